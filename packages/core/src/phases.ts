import { AbortError, DeployError, type Phase } from '@host-deployer/driver-api'

export interface PhaseEvent {
  readonly phase: Phase
  readonly state: 'started' | 'done' | 'failed'
  /** Milliseconds, when it is over. */
  readonly durationMs?: number
}

/** Runs the steps of a deploy: times each, tells a listener, and writes its name on an error that passes through. */
export interface Phases {
  /** `ABORTED` instead of a phase that would start after the signal has fired; its context has `committed` when the changes are in the image already. */
  run<T>(phase: Phase, work: () => Promise<T>): Promise<T>
  /** Milliseconds by phase, in order. */
  readonly timings: Readonly<Record<string, number>>
  /** What ends the programs of the phase that runs now. Undefined between phases, where things are released, and in those that are not to be cut off. */
  readonly signal: AbortSignal | undefined
}

export interface PhasesOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number
  readonly signal?: AbortSignal | undefined
  readonly onPhase?: ((event: PhaseEvent) => void) | undefined
  /** Timings of phases that are over: these go on with them. */
  readonly timingsBefore?: Readonly<Record<string, number>> | undefined
}

/** A commit that is cut off leaves work to do, and what comes after it is what has to be done anyway. */
const uncut: ReadonlySet<Phase> = new Set(['commit', 'unmount', 'close'])

export function createPhases({ clock, signal, onPhase, timingsBefore }: PhasesOptions): Phases {
  const timings: Record<string, number> = { ...timingsBefore }
  let current: Phase | undefined
  let isCommitted = false
  return {
    timings,
    get signal() {
      return current === undefined || uncut.has(current) ? undefined : signal
    },
    async run(phase, work) {
      if (signal?.aborted) throw atPhase(cancelledBefore(phase, isCommitted), phase)
      const started = clock()
      onPhase?.({ phase, state: 'started' })
      const elapsed = () => Math.round((clock() - started) * 10) / 10
      current = phase
      try {
        const result = await work()
        timings[phase] = (timings[phase] ?? 0) + elapsed()
        if (phase === 'commit') isCommitted = true
        onPhase?.({ phase, state: 'done', durationMs: elapsed() })
        return result
      } catch (error) {
        onPhase?.({ phase, state: 'failed', durationMs: elapsed() })
        throw atPhase(error, phase)
      } finally {
        current = undefined
      }
    },
  }
}

function cancelledBefore(phase: Phase, isCommitted: boolean): AbortError {
  if (!isCommitted)
    return new AbortError('ABORTED', `Cancelled before ${phase}`, { hint: 'Nothing was left behind; run it again when ready.' })
  return new AbortError('ABORTED', `Cancelled before ${phase}, after the commit`, {
    hint: 'The changes are in the image, all of them: there is nothing to repeat.',
    context: { committed: true },
  })
}

function atPhase<E>(error: E, phase: Phase): E {
  if (DeployError.isInstance(error)) error.phase ??= phase
  return error
}
