import { BlockError, CleanupError, type Diagnostic, joinToolPath, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { type GuestPath, guestPath, openGuestFs } from '@host-deployer/guest-fs'
import { findRoot } from './find-root.ts'
import { mountFilesystem, setDeviceWritable, writesUnasked } from './mount-filesystem.ts'
import type { BlockSession, BootEvidence, GuestMount, GuestStorage, MountedGuest, MountOptions } from './mounted-guest.ts'
import { type MountPlan, planMounts } from './plan-mounts.ts'
import { printable } from './printable.ts'
import { partitionOf } from './rank-candidates.ts'
import { tryTool } from './run-tool.ts'
import { releaseStorage } from './scan-storage.ts'
import type { Filesystem, Storage } from './storage.ts'
import { unmountAll } from './unmount-all.ts'

// What a guest's fstab can be; a longer one is not read.
const maxFstabBytes = 256 * 1024

/**
 * Finds the root file system by evidence, mounts it read-only, and what the guest's fstab puts into it. On failure nothing stays mounted or
 * active. `BLOCK_NO_ROOT`, `BLOCK_ROOT_AMBIGUOUS`, `BLOCK_ROOT_NOT_FOUND` (the one asked for), `BLOCK_MOUNT_FAILED`, `BLOCK_FILESYSTEM_DAMAGED`,
 * `BLOCK_FILESYSTEM_UNSUPPORTED`.
 */
export async function mountGuest(session: BlockSession, storage: Storage, options: MountOptions = {}): Promise<MountedGuest> {
  const { base = toolPath('/run/host-deployer'), rootDevice, journal = 'replay' } = options
  const mounts: GuestMount[] = []
  const diagnostics: Diagnostic[] = [...storage.diagnostics]
  try {
    const ignoresJournal = (filesystem: Filesystem) => journal === 'ignore' || isReadOnly(storage, filesystem)
    const found = await findRoot(session, storage, { base, rootDevice, ignoreJournal: ignoresJournal })
    const root = found.filesystem
    mounts.push({ device: root.device, path: guestPath('/'), type: root.type, target: found.target })
    diagnostics.push(...found.diagnostics)
    if (found.journalIgnored && !ignoresJournal(root)) {
      const busy = await unmountAll(session.toolHost, [found.target])
      if (busy !== undefined) throw new BlockError('BLOCK_MOUNT_FAILED', `${root.device} could not be mounted again: ${busy}`)
      await mountFilesystem(session.toolHost, { filesystem: root, target: found.target, ignoreJournal: false, subvolume: found.subvolume })
    }
    const plan = planMounts(storage, root, await readFstab(session, found.target, diagnostics))
    diagnostics.push(...plan.diagnostics)
    if (plan.missingUsr !== null) {
      throw new BlockError(
        'BLOCK_MOUNT_FAILED',
        `The guest's /usr is a file system of its own that is not on the disks given: ${plan.missingUsr}`,
        {
          hint: 'Give all disks of the guest.',
        },
      )
    }
    for (const { filesystem, path, subvolume } of plan.mounts) {
      const place = await placeFor(session, found.target, path, mounts)
      if (typeof place === 'string') {
        diagnostics.push({ severity: 'warning', code: 'BLOCK_MOUNT_SKIPPED', summary: place, path })
        continue
      }
      try {
        await mountFilesystem(session.toolHost, { filesystem, target: place.target, ignoreJournal: ignoresJournal(filesystem), subvolume })
        mounts.push({ device: filesystem.device, path: place.path, type: filesystem.type, target: place.target })
      } catch (error) {
        if (place.path === '/usr' || !(error instanceof BlockError)) throw error
        diagnostics.push({ severity: 'warning', code: error.code, summary: `${path} was not mounted`, detail: error.message, path })
      }
    }
    return mountedGuest(session, storage, { root, mounts, diagnostics, plan, base })
  } catch (error) {
    await unmountAll(session.toolHost, mounts.map(({ target }) => target).reverse())
    await releaseStorage(session.toolHost, storage).catch(() => undefined)
    throw error
  }
}

const isReadOnly = (storage: Storage, filesystem: Filesystem): boolean =>
  storage.disks.some((disk) => disk.readOnly && (filesystem.diskId === null || disk.id === filesystem.diskId))

async function readFstab(session: BlockSession, root: ToolPath, diagnostics: Diagnostic[]): Promise<string> {
  const fs = openGuestFs({ fs: session.toolHost.fs, root })
  try {
    return (await fs.readTextIfExists(guestPath('/etc/fstab'), { maxBytes: maxFstabBytes })) ?? ''
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    const summary = 'fstab could not be read: only the root is mounted'
    diagnostics.push({ severity: 'warning', code: 'BLOCK_FSTAB_UNREADABLE', summary, detail, path: '/etc/fstab' })
    return ''
  }
}

/**
 * Where a mount point of the guest is: links resolved as the guest would, an existing directory, and not taken. A sentence when there is none. Looks
 * afresh each time, since every mount changes what is there.
 */
async function placeFor(
  { toolHost }: BlockSession,
  root: ToolPath,
  wanted: GuestPath,
  mounts: readonly GuestMount[],
): Promise<{ path: GuestPath; target: ToolPath } | string> {
  const fs = openGuestFs({ fs: toolHost.fs, root })
  try {
    const path = await fs.resolve(wanted)
    const { type } = await fs.lstat(path)
    if (type !== 'directory') return 'Its mount point is not a directory'
    if (mounts.some((mount) => mount.path === path)) return 'Something is mounted there already'
    return { path, target: joinToolPath(root, path.slice(1)) }
  } catch (error) {
    return `Its mount point cannot be used: ${error instanceof Error ? error.message : String(error)}`
  }
}

interface Parts {
  readonly root: Filesystem
  readonly mounts: readonly GuestMount[]
  readonly diagnostics: readonly Diagnostic[]
  readonly plan: MountPlan
  readonly base: ToolPath
}

function mountedGuest(session: BlockSession, storage: Storage, { root, mounts, diagnostics, plan, base }: Parts): MountedGuest {
  const { toolHost } = session
  const writable = new Set<GuestMount>()
  const unsynced = new Set<GuestMount>()
  let unmounting: Promise<void> | undefined
  const [rootMount] = mounts
  if (rootMount === undefined) throw new TypeError('A guest without a root')

  const unmount = async () => {
    const errors: unknown[] = []
    await Promise.all([...unsynced].map((mount) => toolHost.fs.syncfs(mount.target).catch((error: unknown) => errors.push(error))))
    const busy = await unmountAll(toolHost, mounts.map(({ target }) => target).reverse())
    if (busy !== undefined) {
      errors.push(
        new CleanupError('BLOCK_UNMOUNT_FAILED', `Not everything could be unmounted: ${busy}`, {
          hint: 'Something on the tool host still uses the guest’s files.',
        }),
      )
    }
    await releaseStorage(toolHost, storage).catch((error: unknown) => errors.push(error))
    // Ours, and empty; where the tool host is a VM they vanish anyway.
    if (busy === undefined)
      await Promise.all(candidateDirectories(base, mounts).map((path) => toolHost.fs.rmdir(path).catch(() => undefined)))
    if (errors.length > 0) throw errors[0]
  }
  const unmountOnce = () => (unmounting ??= unmount())
  return {
    root: rootMount.target,
    rootDevice: root.device,
    mounts,
    storage: guestStorage(storage, root, plan),
    boot: bootEvidence(storage, root),
    diagnostics,
    remountReadWrite: async (paths) => {
      const wanted = paths === undefined ? mounts : mounts.filter((mount) => paths.some((path) => holder(mounts, path) === mount))
      // All of them have ended when one has failed: a remount that is still under way keeps its file system busy.
      const outcomes = await Promise.allSettled(
        wanted
          .filter((mount) => !writable.has(mount))
          .map(async (mount) => {
            await remountReadWrite(session, mount)
            writable.add(mount)
            unsynced.add(mount)
          }),
      )
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    },
    synced: () => unsynced.clear(),
    unmount: unmountOnce,
    [Symbol.asyncDispose]: unmountOnce,
  }
}

const candidateDirectories = (base: ToolPath, mounts: readonly GuestMount[]): ToolPath[] =>
  mounts
    .filter(({ target }) => target.startsWith(`${base}/root-`) && !target.slice(base.length + 1).includes('/'))
    .map(({ target }) => target)

/** The mount a guest path is on: the deepest above it. */
function holder(mounts: readonly GuestMount[], path: GuestPath): GuestMount | undefined {
  const above = mounts.filter((mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`))
  return above.sort((left, right) => right.path.length - left.path.length)[0]
}

async function remountReadWrite({ toolHost }: BlockSession, { device, type, target }: GuestMount): Promise<void> {
  if (writesUnasked({ type })) await setDeviceWritable(toolHost, device, true)
  const { ok, reason } = await tryTool(toolHost, ['mount', '-o', 'remount,rw,nodev,nosuid,noexec', '--', target])
  if (ok) return
  if (/write-protected|read-only|read only/i.test(reason)) {
    throw new BlockError('BLOCK_FILESYSTEM_READ_ONLY', `The ${type} file system on ${device} cannot be written: ${reason}`, {
      hint: 'The image is open read-only, or the file system needs a repair first.',
      context: { device, type },
    })
  }
  throw new BlockError('BLOCK_MOUNT_FAILED', `${device} (${type}) could not be made writable: ${reason}`, { context: { device, type } })
}

function guestStorage(storage: Storage, root: Filesystem, plan: MountPlan): GuestStorage {
  const volume = storage.logicalVolumes.find(({ device }) => device === root.device)
  const below = storage.physicalVolumes.find(({ volumeGroup }) => volumeGroup !== null && volumeGroup === volume?.volumeGroup)
  const device = below?.device ?? root.device
  const disk = storage.disks.find((candidate) => candidate.device === device) ?? partitionOf(storage, device)?.disk
  return {
    partitionTable: disk?.table?.kind ?? null,
    rootDevice: root.device,
    lvm: volume !== undefined,
    filesystems: storage.filesystems.map((filesystem) => ({
      device: filesystem.device,
      type: filesystem.type,
      label: filesystem.label === null ? null : printable(filesystem.label),
      uuid: filesystem.uuid,
      sizeBytes: filesystem.sizeBytes,
      mountpoint: plan.mountpoints.find((place) => place.filesystem.device === filesystem.device)?.path ?? null,
    })),
  }
}

const espTypes = new Set(['C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'ef'])
const biosBootType = '21686148-6449-6E6F-744E-656564454649'

function bootEvidence(storage: Storage, root: Filesystem): BootEvidence {
  const partitions = storage.disks.flatMap(({ table }) => table?.partitions ?? [])
  const rootDisk = storage.disks.find(({ id }) => id === root.diskId) ?? storage.disks[0]
  return {
    esp: partitions.some(({ type }) => espTypes.has(type)),
    biosBootPartition: partitions.some(({ type }) => type === biosBootType),
    mbr: rootDisk?.table?.kind !== 'gpt',
  }
}
