import { FsError } from '@host-deployer/driver-api'
import { type GuestFs, type GuestPath, guestPath, joinGuestPath, type WritableGuestFs } from '@host-deployer/guest-fs'

const etc = guestPath('/etc/systemd/system')
// In the order systemd looks, systemd.unit(5); /lib is /usr/lib on merged systems.
const unitDirectories = [
  etc,
  guestPath('/usr/local/lib/systemd/system'),
  guestPath('/usr/lib/systemd/system'),
  guestPath('/lib/systemd/system'),
]

/** Where the guest's unit file is; `undefined` when it has none, or when it is masked. */
export async function findUnit(fs: GuestFs, unit: string): Promise<GuestPath | undefined> {
  for (const directory of unitDirectories) {
    const path = joinGuestPath(directory, unit)
    if ((await linkTarget(fs, path)) === '/dev/null') return undefined
    if (await fs.exists(path)) return path
  }
  return undefined
}

/**
 * Does offline what `systemctl enable` does: the links that `[Install]` of the unit file asks for, `Also=` included, and a mask is taken away.
 * Returns false when the guest has no such unit; nothing is changed then.
 */
export async function stageEnableUnit(fs: WritableGuestFs, unit: string): Promise<boolean> {
  return enable(fs, unit, new Set())
}

async function enable(fs: WritableGuestFs, unit: string, seen: Set<string>): Promise<boolean> {
  seen.add(unit)
  if ((await linkTarget(fs, joinGuestPath(etc, unit))) === '/dev/null') await fs.remove(joinGuestPath(etc, unit))
  const path = await findUnit(fs, unit)
  if (path === undefined) return false
  const install = installSection(await fs.readText(path))
  for (const alias of install.get('Alias') ?? []) await link(fs, path, joinGuestPath(etc, alias))
  for (const target of install.get('WantedBy') ?? []) await link(fs, path, joinGuestPath(etc, `${target}.wants`, unit))
  for (const target of install.get('RequiredBy') ?? []) await link(fs, path, joinGuestPath(etc, `${target}.requires`, unit))
  // A unit without [Install] that is to be enabled on purpose belongs to the normal boot.
  if (install.size === 0) await link(fs, path, joinGuestPath(etc, 'multi-user.target.wants', unit))
  for (const also of install.get('Also') ?? []) if (!seen.has(also)) await enable(fs, also, seen)
  return true
}

/** Makes the link unless one with this name is there already: which directory it points into is the image's affair. */
async function link(fs: WritableGuestFs, unitFile: GuestPath, path: GuestPath): Promise<void> {
  if (path === unitFile || (await linkTarget(fs, path)) !== undefined) return
  await fs.makeDirectories(guestPath(path.slice(0, path.lastIndexOf('/'))))
  await fs.symlink(unitFile, path)
}

async function linkTarget(fs: GuestFs, path: GuestPath): Promise<string | undefined> {
  try {
    return await fs.readlink(path)
  } catch (error) {
    if (FsError.is(error, 'not-found', 'not-a-symlink', 'not-a-directory')) return undefined
    throw error
  }
}

/** The lists of `[Install]`, words of repeated keys together; an empty value starts the list anew (systemd.syntax(7)). */
function installSection(text: string): Map<string, string[]> {
  const lists = new Map<string, string[]>()
  let inside = false
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    if (/^\s*\[/.test(line)) inside = line.trim() === '[Install]'
    const [, key, value = ''] = /^\s*(Alias|WantedBy|RequiredBy|Also)\s*=(.*)$/.exec(line) ?? []
    if (!inside || key === undefined) continue
    const words = value
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '' && !word.includes('%'))
    lists.set(key, value.trim() === '' ? [] : [...(lists.get(key) ?? []), ...words])
  }
  return lists
}
