import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type DriverContext, type HostPath, hostPath } from '@host-deployer/driver-api'
import { acquireLeased } from './acquire-leased.ts'
import type { ResourceStack } from './resource-stack.ts'

export interface SessionDirectory {
  /** A name no other session of any time has, for whatever else the session makes. */
  readonly id: string
  readonly path: HostPath
}

/** A private directory (0700) for one session, in the journal before it exists, removed with all that is in it. */
export async function createSessionDirectory(
  context: Pick<DriverContext<unknown>, 'workDirectory' | 'leases'>,
  stack: ResourceStack,
): Promise<SessionDirectory> {
  const id = randomUUID()
  const path = hostPath(join(context.workDirectory, `session-${id}`))
  await acquireLeased(context.leases, stack, {
    what: path,
    lease: { kind: 'directory', details: { path } },
    acquire: () => mkdir(path, { mode: 0o700 }),
    release: () => rm(path, { recursive: true, force: true }),
  })
  return { id, path }
}
