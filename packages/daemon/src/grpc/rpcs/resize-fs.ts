import type { Empty, ResizeFsParams } from '@host-deployer/api/grpc'
import { imageOfDisk } from '../image-of-disk.ts'
import type { Handler } from '../rpc.ts'

/** Lets what is on a disk fill it. A disk that is full already is a success. */
export const resizeFs: Handler<ResizeFsParams, Empty> = async ({ disk_info: disk, guest_desc: guest, hypervisor }, rpc) => {
  const image = imageOfDisk({ disk, guest, hypervisor: hypervisor || (guest?.Hypervisor ?? '') })
  await rpc.run<'grow'>({ kind: 'grow', image })
  return {}
}
