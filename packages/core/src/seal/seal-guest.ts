import { FsError, type RawStat } from '@host-deployer/driver-api'
import { parsePasswd } from '@host-deployer/formats'
import { type GuestPath, guestPath, joinGuestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { globPattern } from '../network/owned-files.ts'
import { homePath } from '../strategies/accounts/create-home.ts'
import { historyNames, identityPaths, isRotatedLog } from './identity-paths.ts'

const machineId = guestPath('/etc/machine-id')
const dbusMachineId = guestPath('/var/lib/dbus/machine-id')
const logDirectory = guestPath('/var/log')

/** Takes away what {@link identityPaths} names. */
export async function removeIdentity(fs: WritableGuestFs, keep: ReadonlySet<string> = new Set()): Promise<void> {
  const directories = [...identityPaths.contentOf, ...identityPaths.files.map((glob) => glob.slice(0, glob.lastIndexOf('/')))]
  await fs.prefetch({ directories: [...new Set(directories)].map(guestPath) })
  for (const glob of identityPaths.files) {
    const slash = glob.lastIndexOf('/')
    const directory = guestPath(glob.slice(0, slash))
    const pattern = globPattern(glob.slice(slash + 1))
    for (const { name, stat } of await entriesOf(fs, directory)) {
      if (stat.type !== 'directory' && pattern.test(name)) await removeQuietly(fs, joinGuestPath(directory, name))
    }
  }
  for (const directory of identityPaths.contentOf) {
    for (const { name } of await entriesOf(fs, guestPath(directory))) {
      const path = joinGuestPath(guestPath(directory), name)
      if (!keep.has(path)) await removeQuietly(fs, path)
    }
  }
}

/**
 * Empties `/etc/machine-id`: the next boot makes a new one. Not `uninitialized`, by which systemd would take the boot for the very first and set every
 * unit to its preset (machine-id(5), "First Boot Semantics"). D-Bus's own copy goes; as a link it follows.
 */
export async function clearMachineId(fs: WritableGuestFs): Promise<void> {
  const stat = await lstatIfExists(fs, machineId)
  // A link would share its fate with what it points to, which may be the file removed next.
  if (stat?.type === 'symlink') await fs.writeFile(machineId, '', { mode: 0o444, uid: 0, gid: 0, replaceSymlink: true })
  else if (stat?.type === 'file') await fs.writeFile(machineId, '', { sensitive: true })
  if ((await lstatIfExists(fs, dbusMachineId))?.type === 'file') await removeQuietly(fs, dbusMachineId)
}

/** Logs that programs write to are emptied and keep owner and mode, older ones and the journal's files go. Links are not followed. */
export async function clearLogs(fs: WritableGuestFs, directory: GuestPath = logDirectory): Promise<void> {
  for (const { name, stat } of await entriesOf(fs, directory)) {
    const path = joinGuestPath(directory, name)
    // Named after the machine-id; journald makes another one.
    if (stat.type === 'directory' && /^\/var\/log\/journal\/[0-9a-f]{32}$/.test(path)) await removeQuietly(fs, path)
    else if (stat.type === 'directory') await clearLogs(fs, path)
    else if (stat.type === 'file') {
      if (isRotatedLog(name)) await removeQuietly(fs, path)
      else if (stat.sizeBytes > 0) await fs.writeFile(path, '', { sensitive: true })
    }
  }
}

/** What the accounts' shells remember, for all in passwd(5). */
export async function removeHistories(fs: WritableGuestFs): Promise<void> {
  const { entries } = parsePasswd((await latin1(fs, guestPath('/etc/passwd'))) ?? '')
  const homes = new Set(entries.filter(({ shell }) => !/\/(nologin|false|sync)$/.test(shell)).map(homePath))
  await fs.prefetch({ directories: [...homes] })
  for (const home of homes) {
    for (const { name, stat } of await entriesOf(fs, home)) {
      // A link to /dev/null is somebody's wish not to have one.
      if (stat.type === 'file' && historyNames.has(name)) await removeQuietly(fs, joinGuestPath(home, name))
    }
    await removeQuietly(fs, joinGuestPath(home, '.local/share/fish/fish_history'))
  }
}

/** Nobody is shown what was in it: reports outlive the machine. What cannot go (a mount point) stays. */
export async function removeQuietly(fs: WritableGuestFs, path: GuestPath): Promise<void> {
  try {
    await fs.removeTree(path, { sensitive: true })
  } catch (error) {
    if (!FsError.is(error, ...unusual)) throw error
  }
}

/** An image that was made to be odd is no reason to refuse: what is not there in a usable way holds no identity. */
const unusual = ['not-found', 'not-a-directory', 'symlink-loop', 'not-supported', 'invalid-path', 'name-too-long'] as const

/** A directory's own entries; one that is absent has none, nor has a link: `/tmp` may be planted to lead to `/etc`. */
export async function entriesOf(fs: WritableGuestFs, directory: GuestPath) {
  try {
    return (await fs.lstat(directory)).type === 'directory' ? await fs.readdir(directory) : []
  } catch (error) {
    if (FsError.is(error, ...unusual)) return []
    throw error
  }
}

async function lstatIfExists(fs: WritableGuestFs, path: GuestPath): Promise<RawStat | undefined> {
  try {
    return await fs.lstat(path)
  } catch (error) {
    if (FsError.is(error, ...unusual)) return undefined
    throw error
  }
}

async function latin1(fs: WritableGuestFs, path: GuestPath): Promise<string | undefined> {
  return (await fs.exists(path)) ? Buffer.from(await fs.readFile(path)).toString('latin1') : undefined
}
