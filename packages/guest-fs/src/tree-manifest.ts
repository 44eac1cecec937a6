import { type FileType, FsError, joinToolPath, type RawFs, type RawStat, type ToolPath } from '@host-deployer/driver-api'
import type { MemoryRawFs } from './memory-raw-fs.ts'

interface ManifestMeta {
  /** Permission bits. Default 0o644, for directories 0o755; a symlink has none. */
  readonly mode?: number
  /** Default 0. */
  readonly uid?: number
  readonly gid?: number
  /** Extended attributes by full name; text is stored as UTF-8. */
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>>
}

/** One entry of a {@link TreeManifest}: a file, a symlink, a directory, or a thing only a {@link MemoryRawFs} can hold. */
export type ManifestEntry = ManifestMeta &
  (
    | { readonly content: string | Uint8Array }
    | { readonly link: string }
    | { readonly directory: true }
    | { readonly special: 'fifo' | 'socket' | 'character-device' | 'block-device' }
  )

/**
 * A file tree as people write it: absolute path to entry, in any order; directories that are only implied get 0755 and root.
 * `{ '/etc/hostname': { content: 'x\n' }, '/bin': { link: 'usr/bin' }, '/etc/ssh': { directory: true } }`
 */
export type TreeManifest = Readonly<Record<string, ManifestEntry>>

const toBytes = (value: string | Uint8Array): Uint8Array => (typeof value === 'string' ? new TextEncoder().encode(value) : value)

function toText(bytes: Uint8Array): string | Uint8Array {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return bytes
  }
}

const parentsOf = (path: string): string[] =>
  path
    .split('/')
    .slice(1, -1)
    .map((_, index, all) => `/${all.slice(0, index + 1).join('/')}`)

/** `path` below `root`: `/` is `root` itself. */
const below = (root: ToolPath, path: string): ToolPath => (path === '/' ? root : joinToolPath(root, path.slice(1)))

async function create(fs: RawFs & Partial<MemoryRawFs>, path: ToolPath, entry: ManifestEntry): Promise<void> {
  const owner = { uid: entry.uid ?? 0, gid: entry.gid ?? 0 }
  if ('content' in entry) await fs.createFile(path, toBytes(entry.content), { mode: entry.mode ?? 0o644, ...owner })
  else if ('link' in entry) await fs.symlink(entry.link, path, owner)
  else if ('directory' in entry) await fs.mkdir(path, { mode: entry.mode ?? 0o755, ...owner })
  else if (fs.makeSpecial === undefined) throw new TypeError(`This file system cannot make a ${entry.special}`)
  else await fs.makeSpecial(path, entry.special, { mode: entry.mode ?? 0o644, ...owner })
}

/**
 * Writes the manifest below `root`, an existing directory. Directories that exist already are kept and get the manifest's mode and owner;
 * anything else in the way is `already-exists`. Special entries need a {@link MemoryRawFs}.
 */
export async function loadTree(fs: RawFs & Partial<MemoryRawFs>, root: ToolPath, manifest: TreeManifest): Promise<void> {
  const entries = new Map<string, ManifestEntry>()
  for (const path of Object.keys(manifest)) for (const parent of parentsOf(path)) entries.set(parent, { directory: true })
  for (const [path, entry] of Object.entries(manifest)) entries.set(path, entry)
  for (const path of [...entries.keys()].sort()) {
    const entry = entries.get(path)
    if (entry === undefined) continue
    const target = below(root, path)
    const existing = 'directory' in entry ? await typeOf(fs, target) : undefined
    if (existing !== 'directory') await create(fs, target, entry)
    else if (path in manifest) await setMeta(fs, target, entry)
    if (entry.xattrs === undefined) continue
    const attributes = new Map(Object.entries(entry.xattrs).map(([name, value]) => [name, toBytes(value)]))
    await fs.setXattrs([{ path: target, attributes }])
  }
}

async function setMeta(fs: RawFs, path: ToolPath, entry: ManifestEntry): Promise<void> {
  await fs.chown(path, entry.uid ?? 0, entry.gid ?? 0)
  await fs.chmod(path, entry.mode ?? 0o755)
}

async function typeOf(fs: RawFs, path: ToolPath): Promise<FileType | undefined> {
  try {
    return (await fs.lstat(path)).type
  } catch (error) {
    if (FsError.is(error, 'not-found')) return undefined
    throw error
  }
}

/**
 * The whole tree below `root` as a manifest with every field spelt out, sorted by path, so that two snapshots can be compared with deep
 * equality. Content and attributes are text where they are UTF-8, bytes elsewhere. Times are left out.
 */
export async function snapshotTree(fs: RawFs, root: ToolPath): Promise<TreeManifest> {
  const manifest: [string, ManifestEntry][] = []
  const visit = async (path: string, stat: RawStat): Promise<void> => {
    manifest.push([path, await describe(fs, below(root, path), stat)])
    if (stat.type !== 'directory') return
    const entries = await fs.readdir(below(root, path))
    for (const entry of entries) await visit(path === '/' ? `/${entry.name}` : `${path}/${entry.name}`, entry.stat)
  }
  await visit('/', await fs.lstat(root))
  return Object.fromEntries(manifest.sort(([left], [right]) => (left < right ? -1 : 1)))
}

async function describe(fs: RawFs, path: ToolPath, stat: RawStat): Promise<ManifestEntry> {
  const [xattrs] = await fs.getXattrs([path])
  const meta: ManifestMeta = {
    uid: stat.uid,
    gid: stat.gid,
    ...(stat.type === 'symlink' ? {} : { mode: stat.mode }),
    ...(xattrs === undefined || xattrs.size === 0
      ? {}
      : { xattrs: Object.fromEntries([...xattrs].sort().map(([k, v]) => [k, toText(v)])) }),
  }
  if (stat.type === 'file') return { content: toText(await fs.readFile(path, { maxBytes: stat.sizeBytes })), ...meta }
  if (stat.type === 'symlink') return { link: await fs.readlink(path), ...meta }
  return stat.type === 'directory' ? { directory: true, ...meta } : { special: stat.type, ...meta }
}
