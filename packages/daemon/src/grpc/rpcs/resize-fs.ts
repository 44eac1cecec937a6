import type { Empty, ResizeFsParams } from '@host-deployer/api/grpc'
import { BlockError } from '@host-deployer/driver-api'
import type { JobReports } from '../../work/job.ts'
import { imageOfDisk } from '../image-of-disk.ts'
import type { Handler } from '../rpc.ts'

/**
 * Lets what is on a disk fill it. A disk that is full already is a success; one where nothing could be enlarged fails with the finding that says why, since
 * the answer has no room for it: `GROW_UNSUPPORTED`, `GROW_NOT_LAST`, `GROW_MBR_LIMIT`.
 */
export const resizeFs: Handler<ResizeFsParams, Empty> = async ({ disk_info: disk, guest_desc: guest, hypervisor }, rpc) => {
  const image = imageOfDisk({ disk, guest, hypervisor: hypervisor || (guest?.Hypervisor ?? '') })
  requireGrown(await rpc.run<'grow'>({ kind: 'grow', image }))
  return {}
}

function requireGrown({ changed, diagnostics }: JobReports['grow']): void {
  const obstacle = diagnostics.find(({ code }) => code.startsWith('GROW_'))
  if (changed || obstacle === undefined) return
  const { code, summary, path } = obstacle
  const error = new BlockError(code, path === undefined ? summary : `${path}: ${summary}`, {
    hint: 'Nothing was changed. Enlarge it by hand, or from within the guest.',
  })
  error.phase = 'diff'
  throw error
}
