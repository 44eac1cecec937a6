import type { Empty, ResizeFsParams } from '@host-deployer/api/grpc'
import { imageOfDisk } from '../image-of-disk.ts'
import { type Handler, logFindings } from '../rpc.ts'

/** Lets what is on a disk fill it. A disk that is full already is a success. */
export const resizeFs: Handler<ResizeFsParams, Empty> = async ({ disk_info: disk, guest_desc: guest, hypervisor }, rpc) => {
  const image = imageOfDisk({ disk, guest, hypervisor: hypervisor || (guest?.Hypervisor ?? '') })
  const report = await rpc.run<'grow'>({ kind: 'grow', image })
  logFindings(rpc, report.diagnostics)
  return {}
}
