import type { RawFs, ToolPath } from '@host-deployer/driver-api'
import { type GuestFs, guestPath, openGuestFs } from '@host-deployer/guest-fs'

/** `strong`: an installed system; `weak`: parts of one, a rescue copy of `/etc` for instance; `none`: something else. */
export type RootEvidence = 'strong' | 'weak' | 'none'

const releases = [
  '/etc/os-release',
  '/usr/lib/os-release',
  '/etc/debian_version',
  '/etc/redhat-release',
  '/etc/alpine-release',
  '/etc/SuSE-release',
]
const inits = ['/sbin/init', '/usr/sbin/init', '/usr/lib/systemd/systemd', '/lib/systemd/systemd', '/bin/busybox', '/usr/bin/busybox']
const accounts = ['/etc/passwd', '/etc/shadow', '/etc/fstab']
const trees = ['/usr', '/bin']

// The entry itself counts: with a /usr of its own, links into it dangle until that is mounted.
const present = (fs: GuestFs, paths: readonly string[]): Promise<boolean> =>
  Promise.all(
    paths.map((path) =>
      fs.lstat(guestPath(path)).then(
        () => true,
        () => false,
      ),
    ),
  ).then((found) => found.includes(true))

/** Looks whether a mounted tree is a Linux root. Reads names only; a tree that cannot be read is no root. */
export async function rootEvidence(rawFs: RawFs, root: ToolPath): Promise<RootEvidence> {
  const fs = openGuestFs({ fs: rawFs, root })
  const [tree, release, init, account] = await Promise.all([
    present(fs, trees),
    present(fs, releases),
    present(fs, inits),
    present(fs, accounts),
  ])
  if (!tree || !(release || account)) return 'none'
  return release && (init || account) ? 'strong' : 'weak'
}

/** Whether there is no more in a mounted file system than what its mkfs puts there. One that cannot be read is not empty. */
export async function holdsNothing(rawFs: RawFs, root: ToolPath): Promise<boolean> {
  const entries = await rawFs.readdir(root).catch(() => undefined)
  return entries?.every(({ name }) => name === 'lost+found') ?? false
}

// Where installers put the root of a btrfs that has no default subvolume: Ubuntu and openSUSE, Debian, Fedora.
const usualSubvolumes = ['@', '@rootfs', 'root']

/** Names of subvolumes (or directories) at the top of a btrfs that may hold its root, the likeliest first. */
export async function subvolumeCandidates(rawFs: RawFs, top: ToolPath): Promise<readonly string[]> {
  const entries = await rawFs.readdir(top).catch(() => [])
  const names = new Set(entries.filter(({ stat }) => stat.type === 'directory').map(({ name }) => name))
  return usualSubvolumes.filter((name) => names.has(name))
}
