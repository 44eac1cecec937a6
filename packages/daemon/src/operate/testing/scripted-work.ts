import type { Work, WorkEvent, WorkSnapshot } from '../../work/work.ts'

export const idle: WorkSnapshot = {
  accepting: true,
  slots: { total: 5, busy: 0, quarantined: 0 },
  jobs: [],
  failures: [],
  workers: { spare: 1, running: 0 },
  residue: [],
}

/** A work that does what the test says: events happen when they are emitted, the snapshot is what it is set to. */
export interface ScriptedWork extends Work {
  emit(...events: WorkEvent[]): void
  now: WorkSnapshot
}

export function scriptedWork(): ScriptedWork {
  const listeners = new Set<(event: WorkEvent) => void>()
  return {
    now: idle,
    emit(...events) {
      for (const event of events) for (const listener of listeners) listener(event)
    },
    submit: () => Promise.reject(new TypeError('a scripted work runs nothing')),
    snapshot() {
      return this.now
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    drain: () => Promise.resolve(),
  }
}
