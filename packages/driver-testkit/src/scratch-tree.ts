import { isMainThread } from 'node:worker_threads'
import { joinToolPath, type RawFs, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { needTool } from './device-tools.ts'
import type { TestBed } from './test-bed.ts'

/** An owner no system file has. */
export const owner = { uid: 1234, gid: 4321 }

/** An empty directory of one check, on an ext4 file system on the session's first disk. */
export interface ScratchTree {
  readonly fs: RawFs
  /** The file system's root. */
  readonly mountPoint: ToolPath
  /** A path in the check's directory; `''` is the directory itself. */
  at(name: string): ToolPath
  /** Creates a file with {@link owner}. */
  create(name: string, content?: string, mode?: number): Promise<void>
  /** Runs a program of the tool host, which must succeed. */
  exec(...argv: readonly [string, ...string[]]): Promise<string>
}

async function mountData(bed: TestBed): Promise<ToolPath> {
  const { toolHost } = await bed.session()
  const { device } = await bed.disk('data')
  // A path of the group's directory: on this machine it goes with that, and in a VM with the VM.
  const mountPoint = toolPath(`${bed.directory}/mnt`)
  await needTool(toolHost, 'mkfs.ext4', '-q', '-F', '-E', 'nodiscard', device)
  await needTool(toolHost, 'mkdir', '-p', mountPoint)
  await needTool(toolHost, 'mount', '-t', 'ext4', '-o', 'nodev,nosuid,noexec', device, mountPoint)
  bed.atClose(async () => void (await needTool(toolHost, 'umount', mountPoint)))
  return mountPoint
}

/** Makes the directory of one check; the file system is made by the first one. */
export async function scratchTree(bed: TestBed, name: string): Promise<ScratchTree> {
  const mountPoint = await bed.once('mounted data disk', () => mountData(bed))
  const { toolHost } = await bed.session()
  const { fs } = toolHost
  const root = joinToolPath(mountPoint, name)
  await fs.mkdir(root, { mode: 0o755, uid: 0, gid: 0 })
  const at = (path: string): ToolPath => (path === '' ? root : joinToolPath(root, path))
  return {
    fs,
    mountPoint,
    at,
    create: (path, content = '', mode = 0o644) => fs.createFile(at(path), Buffer.from(content), { mode, ...owner }),
    exec: (...argv) => needTool(toolHost, ...argv),
  }
}

/** Runs `action` under a tight umask, which no primitive may let through. Threads cannot have one of their own: there it just runs. */
export async function underUmask(action: () => Promise<void>): Promise<void> {
  if (!isMainThread) return action()
  const before = process.umask(0o077)
  try {
    await action()
  } finally {
    process.umask(before)
  }
}
