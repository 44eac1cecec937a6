import type { MountRequest } from '@host-deployer/api'
import {
  canonicalMountSource,
  type Fstab,
  type FstabEntry,
  generatedHeader,
  parseFstab,
  renderLines,
  upsertMount,
} from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import { defineOperation } from '../operation.ts'

const fstabPath = guestPath('/etc/fstab')

/**
 * `mounts`: adds lines to `/etc/fstab`, and makes the mount points that are missing (0755, root). Nothing is mounted here: the guest's next boot does it.
 * A line is not added when the guest lists its device, by whatever name, or its mount point already; two subvolumes of one file system are two devices.
 * All lines that are there stay as they are. `FS_NOT_A_DIRECTORY` when a file is where the mount point shall be.
 */
export const mounts = defineOperation<readonly MountRequest[]>({
  id: 'mounts',
  after: ['write-files', 'users'],
  reads: [fstabPath],
  select: ({ mounts }) => (mounts !== undefined && mounts.length > 0 ? mounts : undefined),
  stage: async ({ fs, input, diagnose }) => {
    const before = await fs.readTextIfExists(fstabPath)
    let fstab = parseFstab(before ?? generatedHeader('#'))
    for (const mount of input) {
      const entry = fstabEntry(mount)
      const listed = findListed(fstab, entry)
      if (listed === undefined) {
        fstab = upsertMount(fstab, entry)
        if (mount.mountpoint !== null) await fs.makeDirectories(guestPath(mount.mountpoint), { mode: 0o755, uid: 0, gid: 0 })
      } else if (!isSameMount(listed, entry)) {
        diagnose({
          severity: 'info',
          code: 'MOUNT_LISTED',
          summary: `${entry.source} is not added for ${entry.target}: the guest has ${listed.source} on ${listed.target}`,
          path: fstabPath,
        })
      }
    }
    if (fstab.entries.length > 0 && renderLines(fstab) !== before) {
      await fs.writeFile(fstabPath, renderLines(fstab), before === undefined ? { mode: 0o644, uid: 0, gid: 0 } : {})
    }
  },
})

function fstabEntry({ device, mountpoint, type, options, dump, pass }: MountRequest): FstabEntry {
  return { source: device, target: mountpoint ?? 'none', type, options: options.split(','), dump, pass }
}

/** The line that stands in the way. Swap has no mount point, and what is no device (`tmpfs`) may be mounted many times. */
function findListed(fstab: Fstab, entry: FstabEntry): FstabEntry | undefined {
  const isDevice = /[/=:]/.test(entry.source)
  return fstab.entries.find(
    (other) =>
      (entry.target.startsWith('/') && mountPointOf(other) === mountPointOf(entry)) ||
      (isDevice && deviceOf(other) === deviceOf(entry) && !(isBind(other) || isBind(entry))),
  )
}

const isSameMount = (a: FstabEntry, b: FstabEntry) => deviceOf(a) === deviceOf(b) && mountPointOf(a) === mountPointOf(b)

const mountPointOf = ({ target }: FstabEntry) => target.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')

const deviceOf = ({ source, options }: FstabEntry) =>
  [canonicalMountSource(source), ...options.filter((option) => /^subvol(id)?=/.test(option))].join(' ')

const isBind = ({ options }: FstabEntry) => options.some((option) => option === 'bind' || option === 'rbind')
