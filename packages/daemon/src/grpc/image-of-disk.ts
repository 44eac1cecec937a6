import type { DiskInfo, GuestDesc } from '@host-deployer/api/grpc'
import { InputError } from '@host-deployer/driver-api'
import type { JobImage } from '../work/job.ts'
import { notImplemented } from './not-implemented.ts'

export interface WireDisk {
  readonly disk: DiskInfo | null
  /** Its disks are the ones that `disk_id` chooses from, and say what format an image has. */
  readonly guest?: GuestDesc | null
  readonly hypervisor?: string
}

/**
 * The image a request is about. `disk_info.disk_id` names one of the guest's disks; where it names none, the path counts, and without a path the guest's
 * first disk. The format is the guest's own description of the disk, if it is one that exists here: an image that calls itself something else than it was
 * made as is not believed.
 *
 * `INPUT_INVALID`; `DAEMON_NOT_IMPLEMENTED` for disks of ESXi, Proxmox, Ceph and containers, and for encrypted ones.
 */
export function imageOfDisk({ disk, guest, hypervisor = guest?.Hypervisor ?? '' }: WireDisk): JobImage {
  if (hypervisor === 'esxi' || hypervisor === 'proxmox') throw notImplemented(`disks of the hypervisor ${hypervisor}`)
  const disks = guest?.disks ?? []
  const chosen = disks.find(({ disk_id, path }) => disk_id !== '' && disk_id === disk?.disk_id && path !== '')
  const path = chosen?.path ?? (disk?.path || disks[0]?.path) ?? ''
  if (disk !== null && disk.encrypt_password !== '') throw notImplemented('encrypted disks')
  if (path === '') throw invalid('disk_info.path', 'is missing')
  if (/^(rbd|nbd|nbd\+unix|iscsi|http|https|ssh|json|fuse):/.test(path)) throw notImplemented('disks that are not files or block devices')
  // Of a container, and mounted on this host while it is asked for: what else writes there would destroy it.
  if (/^\/dev\/loop/.test(path)) throw notImplemented('disks of containers')
  if (!path.startsWith('/')) throw invalid('disk_info.path', 'is not an absolute path')
  if (Buffer.byteLength(path) > 4095) throw invalid('disk_info.path', 'is longer than a path can be')
  const format = (chosen ?? disks.find((other) => other.path === path))?.format
  return format === 'raw' || format === 'qcow2' ? { path, format } : { path }
}

function invalid(path: string, problem: string): InputError {
  return new InputError('INPUT_INVALID', `${path}: ${problem}`, {
    hint: 'Give the absolute path of an image or a block device.',
    context: { path },
  })
}
