/** How a type that may be mounted is mounted. Types are blkid's names, which are the kernel's for all of these. */
interface MountableType {
  /** May hold a Linux root: it has owners, modes and links. */
  readonly root: boolean
  /** Added always. */
  readonly options: readonly string[]
  /** Added to mount without finishing what a crash left: nothing is written, what is seen may be older than the crash. */
  readonly ignoreJournal: readonly string[]
}

// Nothing else is ever handed to the kernel, whatever a signature or an fstab says.
const types: ReadonlyMap<string, MountableType> = new Map([
  ['ext2', { root: true, options: [], ignoreJournal: [] }],
  ['ext3', { root: true, options: [], ignoreJournal: ['noload'] }],
  ['ext4', { root: true, options: [], ignoreJournal: ['noload'] }],
  // Clones of one image have the same uuid, which is no reason to refuse the second: xfs(5).
  ['xfs', { root: true, options: ['nouuid'], ignoreJournal: ['norecovery'] }],
  ['btrfs', { root: true, options: [], ignoreJournal: ['rescue=nologreplay'] }],
  ['f2fs', { root: true, options: [], ignoreJournal: ['norecovery'] }],
  ['vfat', { root: false, options: [], ignoreJournal: [] }],
])

/** Whether the guest's files of this type may be mounted at all. */
export const isMountable = (type: string): boolean => types.has(type)

/** Whether the type may hold a root. */
export const mayBeRoot = (type: string): boolean => types.get(type)?.root === true

/**
 * The options of a mount: what protects the tool host always comes first, and nothing of the guest's own fstab but a btrfs subvolume.
 * Read-only unless asked otherwise.
 */
export function mountOptions(
  type: string,
  wanted: { readonly ignoreJournal: boolean; readonly subvolume?: string | null; readonly writable?: boolean },
): string {
  const mountable = types.get(type)
  if (mountable === undefined) throw new TypeError(`Not a type that is mounted: ${type}`)
  const { subvolume } = wanted
  return [
    wanted.writable === true ? 'rw' : 'ro',
    'nodev',
    'nosuid',
    'noexec',
    ...mountable.options,
    ...(wanted.ignoreJournal ? mountable.ignoreJournal : []),
    ...(type === 'btrfs' && subvolume ? [`subvol=${subvolume}`] : []),
  ].join(',')
}

/** A btrfs subvolume's path that can be an option's value: mount(8) splits at commas, and quotes change the splitting. */
export const isSubvolumePath = (path: string): boolean => path.length <= 1024 && /^[^,"'\\\x00-\x1f]+$/.test(path)
