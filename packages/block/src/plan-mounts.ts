import type { Diagnostic } from '@host-deployer/driver-api'
import { type Fstab, type FstabEntry, parseFstab } from '@host-deployer/formats'
import { type GuestPath, guestPath } from '@host-deployer/guest-fs'
import { matchSource } from './match-source.ts'
import { isMountable, isSubvolumePath } from './mountable-filesystem.ts'
import { printable } from './printable.ts'
import type { Filesystem, Storage } from './storage.ts'

export interface PlannedMount {
  readonly filesystem: Filesystem
  /** As the fstab says; links in it are not resolved yet. */
  readonly path: GuestPath
  readonly subvolume: string | null
}

export interface MountPlan {
  /** Parents before what is mounted in them. The root is not among them. */
  readonly mounts: readonly PlannedMount[]
  /** Every local file system the fstab names with where it belongs, mounted or not; `/` for the root. */
  readonly mountpoints: readonly { readonly filesystem: Filesystem; readonly path: string }[]
  readonly diagnostics: readonly Diagnostic[]
  /** An entry for `/usr` whose device is not there: without it there is hardly a guest. */
  readonly missingUsr: string | null
}

// Kernel file systems, memory and programs in user space: nothing of it is on the disk.
const notOnDisk =
  /^(proc|sysfs|tmpfs|ramfs|devpts|devtmpfs|cgroup2?|securityfs|debugfs|tracefs|configfs|pstore|efivarfs|mqueue|hugetlbfs|bpf|fusectl|binfmt_misc|rpc_pipefs|autofs|overlay|aufs|squashfs|iso9660|udf|usbfs|none|fuse.*|9p|virtiofs)$/
const network = /^(nfs[34]?|cifs|smb3|smbfs|ceph|glusterfs|afs|ocfs2|gfs2|sshfs|davfs|lustre|beegfs)$/
// A hostile fstab may have a million lines; no real guest has this many file systems.
const maxMounts = 64

/** What is to be mounted where, from the guest's fstab. Pure. */
export function planMounts(storage: Storage, root: Filesystem, fstabText: string): MountPlan {
  const fstab: Fstab = parseFstab(fstabText)
  const mounts: PlannedMount[] = []
  const mountpoints: { filesystem: Filesystem; path: string }[] = [{ filesystem: root, path: '/' }]
  const diagnostics: Diagnostic[] = []
  const rootDisk = diskOf(storage, root)
  let missingUsr: string | null = null
  const note = (severity: Diagnostic['severity'], code: string, entry: FstabEntry, summary: string) => {
    if (diagnostics.length < maxMounts) diagnostics.push({ severity, code, summary: printable(summary), path: printable(entry.target) })
  }

  for (const entry of fstab.entries) {
    const path = toPath(entry.target)
    if (path === undefined || entry.type === 'swap' || isElsewhere(entry)) continue
    const found = choose(matchSource(storage, entry.source), rootDisk)
    if (path === '/') {
      if (found !== undefined && found.device !== root.device) {
        note('warning', 'BLOCK_FSTAB_OTHER_ROOT', entry, `fstab names ${entry.source} as the root, which is not the root that was found`)
      }
      continue
    }
    const optional = entry.options.some((option) => option === 'nofail' || option === 'noauto')
    if (found === undefined) {
      if (path === '/usr' && !optional) missingUsr = printable(entry.source)
      note(optional ? 'info' : 'warning', 'BLOCK_MOUNT_MISSING', entry, `fstab mounts ${entry.source}, which is not on the disks given`)
      continue
    }
    mountpoints.push({ filesystem: found, path })
    if (entry.options.includes('noauto')) continue
    if (!isMountable(found.type)) {
      note('info', 'BLOCK_FILESYSTEM_UNSUPPORTED', entry, `${found.device} has a file system that is not mounted here: ${found.type}`)
      continue
    }
    const subvolume = subvolumeOf(entry)
    if (subvolume !== null && !isSubvolumePath(subvolume)) {
      note('warning', 'BLOCK_MOUNT_SKIPPED', entry, 'The name of its subvolume cannot be passed to mount')
      continue
    }
    if (mounts.length < maxMounts) mounts.push({ filesystem: found, path, subvolume })
    else note('warning', 'BLOCK_MOUNT_SKIPPED', entry, `More than ${maxMounts} file systems: not mounted`)
  }
  const depth = ({ path }: PlannedMount) => path.split('/').length
  return { mounts: mounts.sort((left, right) => depth(left) - depth(right)), mountpoints, diagnostics, missingUsr }
}

function toPath(target: string): GuestPath | undefined {
  if (!target.startsWith('/') || target.includes('\0') || Buffer.byteLength(target) > 4095) return undefined
  return guestPath(target)
}

const isElsewhere = ({ source, type, options }: FstabEntry): boolean =>
  notOnDisk.test(type) ||
  network.test(type) ||
  source.startsWith('//') ||
  (!source.startsWith('/') && source.includes(':')) ||
  options.some(
    (option) => option === 'bind' || option === 'rbind' || option === 'loop' || option.startsWith('loop=') || option === '_netdev',
  )

// A clone on another disk has the same names: what is on the root's disk is meant, and when that does not decide it, nothing is.
function choose(matches: readonly Filesystem[], rootDisk: string | null): Filesystem | undefined {
  if (matches.length <= 1) return matches[0]
  const near = matches.filter(({ diskId }) => diskId === rootDisk)
  return near.length === 1 ? near[0] : undefined
}

/** The disk a file system is on; of a logical volume, the one its group begins on. */
function diskOf(storage: Storage, filesystem: Filesystem): string | null {
  const group = storage.logicalVolumes.find(({ device }) => device === filesystem.device)?.volumeGroup
  const below = storage.physicalVolumes.find(({ volumeGroup }) => group !== undefined && volumeGroup === group)
  return filesystem.diskId ?? storage.filesystems.find(({ device }) => device === below?.device)?.diskId ?? null
}

const subvolumeOf = ({ options }: FstabEntry): string | null => {
  const option = options.findLast((candidate) => candidate.startsWith('subvol='))
  return option === undefined ? null : option.slice('subvol='.length).replace(/^\/+/, '') || null
}
