import type { Diagnostic, HostPath } from '@host-deployer/driver-api'
import { reclaim } from '@host-deployer/driver-kit'

/** What dead workers have left, and freeing it. */
export interface LeaseRoom {
  /** What could not be freed when it was tried last. */
  readonly residue: readonly Diagnostic[]
  /** Frees what processes that are gone have left. Calls while one runs share the one after it. Never rejects. */
  free(): Promise<void>
  stop(): void
}

export interface LeaseRoomOptions {
  readonly stateDirectory: HostPath
  /** Called when something was freed, or what could not be is not what it was. */
  readonly onFound: (findings: readonly Diagnostic[]) => void
  /** How often what could not be freed is tried again. Default 60 000. */
  readonly againMs?: number
}

/** A worker of a daemon that was killed holds its leases until it is killed itself, which is the first pass. */
const PASSES = 2

const pathsOf = (findings: readonly Diagnostic[]): string =>
  findings
    .map(({ path }) => path)
    .sort()
    .join('\n')

export function createLeaseRoom({ stateDirectory, onFound, againMs = 60_000 }: LeaseRoomOptions): LeaseRoom {
  let residue: readonly Diagnostic[] = []
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  const pass = async (): Promise<void> => {
    const found: Diagnostic[] = []
    const before = pathsOf(residue)
    try {
      for (let done = 0; done < PASSES; done += 1) {
        const findings = await reclaim(stateDirectory)
        residue = findings.filter(({ code }) => code !== 'LEASE_FREED')
        found.push(...findings.filter(({ code }) => code === 'LEASE_FREED'))
        if (findings.length === residue.length) break
      }
    } catch (error) {
      const summary = `The lease journal cannot be read: ${error instanceof Error ? error.message : String(error)}`
      residue = [{ severity: 'error', code: 'LEASE_NOT_FREED', summary, path: stateDirectory }]
    }
    if (found.length > 0 || pathsOf(residue) !== before) onFound([...found, ...residue])
  }
  const start = (): Promise<void> => {
    running = pass().finally(() => {
      running = undefined
    })
    return running
  }
  const timer = setInterval(() => {
    if (residue.length > 0 && running === undefined) void start()
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
    stop: () => clearInterval(timer),
  }
}
