import type { HostPath, Logger } from '@host-deployer/driver-api'
import { listLeases, reclaim } from '@host-deployer/driver-kit'

/** Frees what killed commands have left, before another one starts. What cannot be freed stays for `host-deployer reclaim`, which says why. */
export async function freeOrphans(leaseDirectory: HostPath, logger: Logger): Promise<void> {
  const entries = await listLeases(leaseDirectory)
  if (!entries.some(({ state }) => state === 'orphaned')) return
  for (const { code, summary, detail } of await reclaim(leaseDirectory)) logger.info('reclaim', { code, summary, detail })
}
