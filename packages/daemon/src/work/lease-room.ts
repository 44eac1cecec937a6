import { setTimeout as delay } from 'node:timers/promises'
import type { Diagnostic, HostPath } from '@host-deployer/driver-api'
import { reclaim } from '@host-deployer/driver-kit'

/** What dead workers have left, and freeing it. */
export interface LeaseRoom {
  /** What could not be freed when it was tried last. */
  readonly residue: readonly Diagnostic[]
  /** Frees what processes that are gone have left. Calls while one runs share the one after it. Never rejects. */
  free(): Promise<void>
  /** The same for what a daemon has left that was killed: its workers, which may live, and then what those held. */
  freeAfterDaemon(): Promise<void>
  stop(): void
}

export interface LeaseRoomOptions {
  readonly stateDirectory: HostPath
  /** Called when something was freed, or what could not be is not what it was. */
  readonly onFound: (findings: readonly Diagnostic[]) => void
  /** How often it is tried again without being asked to. Default 60 000. */
  readonly againMs?: number
}

/** The kernel takes a moment to forget a process that was killed; what that held is freed after it. */
const FORGET_MS = 250

const pathsOf = (findings: readonly Diagnostic[]): string =>
  findings
    .map(({ path }) => path)
    .sort()
    .join('\n')

export function createLeaseRoom({ stateDirectory, onFound, againMs = 60_000 }: LeaseRoomOptions): LeaseRoom {
  let residue: readonly Diagnostic[] = []
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  /** Resolves with whether something was freed. */
  const pass = async (): Promise<boolean> => {
    const before = pathsOf(residue)
    let freed: readonly Diagnostic[] = []
    try {
      const findings = await reclaim(stateDirectory)
      freed = findings.filter(({ code }) => code === 'LEASE_FREED')
      residue = findings.filter(({ code }) => code !== 'LEASE_FREED')
    } catch (error) {
      const summary = `The lease journal cannot be read: ${error instanceof Error ? error.message : String(error)}`
      residue = [{ severity: 'error', code: 'LEASE_NOT_FREED', summary, path: stateDirectory }]
    }
    if (freed.length > 0 || pathsOf(residue) !== before) onFound([...freed, ...residue])
    return freed.length > 0
  }
  const start = (): Promise<void> => {
    running = pass()
      .then(() => undefined)
      .finally(() => {
        running = undefined
      })
    return running
  }
  const timer = setInterval(() => {
    if (running === undefined) void start()
  }, againMs)
  timer.unref()

  return {
    get residue() {
      return residue
    },
    free() {
      if (running === undefined) return start()
      next ??= running.then(() => {
        next = undefined
        return start()
      })
      return next
    },
    async freeAfterDaemon() {
      while (await pass()) await delay(FORGET_MS)
    },
    stop: () => clearInterval(timer),
  }
}
