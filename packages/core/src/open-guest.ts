import type { MountedGuest, Storage } from '@host-deployer/block'
import type { DiskAccess } from '@host-deployer/driver-api'
import type { OpenedGuestFs } from '@host-deployer/guest-fs'
import type { GuestFacts } from '@host-deployer/os-detect'
import { holding } from './holding.ts'
import type { Phases } from './phases.ts'
import { type SessionTarget, type WorkSession, withSession } from './with-session.ts'

export interface GuestTarget<Options> extends SessionTarget<Options> {
  /** Which file system is the root, when there is more than one. */
  readonly rootDevice?: string | undefined
}

/** A guest whose file systems are mounted read-only and whose facts are known. */
export interface OpenGuest {
  readonly session: WorkSession
  readonly storage: Storage
  readonly mounted: MountedGuest
  readonly fs: OpenedGuestFs
  readonly facts: GuestFacts
}

/** Lets what waits on this thread go first: the driver, which has a machine to start. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

/** Loads one module after the other, so that the driver gets its turns in between. */
async function loadModules<T>(loadWork: () => Promise<T>) {
  await turn()
  const { scanStorage, mountGuest } = await import('@host-deployer/block')
  await turn()
  const { openGuestFs } = await import('@host-deployer/guest-fs')
  await turn()
  const { detectGuest } = await import('@host-deployer/os-detect')
  await turn()
  return { scanStorage, mountGuest, openGuestFs, detectGuest, work: await loadWork() }
}

/** What is mounted ends with the session's own kernel, and what was written there is thrown away: unmounting would be for nobody. */
const isForgotten = (access: DiskAccess, { capabilities }: WorkSession): boolean => access === 'scratch' && capabilities.isolated

/**
 * Attaches, scans, mounts and detects; hands the guest to the work; unmounts where that is for somebody, and closes whatever happens. Code that is
 * not needed for attaching is loaded meanwhile: a machine takes seconds to boot, and hundreds of modules some tenths.
 */
export async function withOpenGuest<Options, T>(
  target: GuestTarget<Options>,
  access: DiskAccess,
  phases: Phases,
  loadWork: () => Promise<(guest: OpenGuest) => Promise<T>>,
): Promise<T> {
  const { rootDevice } = target
  const loading = loadModules(loadWork)
  // Looked at below; a failure to open comes first.
  loading.catch(() => undefined)
  return withSession(target, access, phases, async (session) => {
    const { scanStorage, mountGuest, openGuestFs, detectGuest, work } = await loading
    const storage = await phases.run('scan', () => scanStorage(session.toolHost, session.disks, session.capabilities))
    const mounted = await phases.run('mount', () => mountGuest(session, storage, rootDevice === undefined ? {} : { rootDevice }))
    const useGuest = async () => {
      const fs = openGuestFs({ fs: session.toolHost.fs, root: mounted.root, mounts: mounted.mounts.map(({ path }) => path) })
      const facts = await phases.run('detect', () => detectGuest(fs, mounted.boot))
      return work({ session, storage, mounted, fs, facts })
    }
    const result = await (isForgotten(access, session)
      ? useGuest()
      : holding(mounted, async () => {
          const value = await useGuest()
          await phases.run('unmount', () => mounted.unmount())
          return value
        }))
    await phases.run('close', () => session.close())
    return result
  })
}
