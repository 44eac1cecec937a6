import { ExecError, FsError, type RawFs, type ToolHost, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { createLocalRawFs, createLocalToolHost } from '@host-deployer/driver-kit'

/**
 * This machine as the process `pid` sees it, which has a mount namespace of its own: what a session mounts is seen by no other one, and is gone with it.
 * Programs enter the namespace by nsenter(1), files are reached through `/proc/PID/root`, see proc(5). `isOpen` turns false when the process is gone.
 */
export function createNamespaceToolHost(pid: number, isOpen: () => boolean): ToolHost {
  const local = createLocalToolHost()
  const assertOpen = (): void => {
    if (!isOpen()) throw new ExecError('EXEC_CONNECTION_LOST', 'The session is closed')
  }
  const exec: ToolHost['exec'] = async (argv, options) => {
    assertOpen()
    const result = await local.exec(['nsenter', `--mount=/proc/${pid}/ns/mnt`, '--', ...argv], options)
    const complaint = result.exitCode === 127 || result.exitCode === 126 ? Buffer.from(result.stderr).toString() : ''
    if (!complaint.startsWith('nsenter: failed to execute ')) return result
    throw new ExecError('EXEC_NOT_FOUND', `There is no program ${JSON.stringify(argv[0])}`, { context: { argv } })
  }

  const outside = createLocalRawFs(exec)
  const at = async <T>(path: ToolPath, action: (seen: ToolPath) => Promise<T>): Promise<T> => {
    assertOpen()
    try {
      return await action(toolPath(`/proc/${pid}/root${path}`))
    } catch (error) {
      throw FsError.is(error) ? new FsError(error.kind, path, undefined, { cause: error }) : error
    }
  }
  const fs: RawFs = {
    // These three are programs.
    getXattrs: outside.getXattrs,
    setXattrs: outside.setXattrs,
    syncfs: outside.syncfs,
    lstat: (path) => at(path, outside.lstat),
    readlink: (path) => at(path, outside.readlink),
    readdir: (path) => at(path, outside.readdir),
    readFile: (path, options) => at(path, (seen) => outside.readFile(seen, options)),
    createFile: (path, content, options) => at(path, (seen) => outside.createFile(seen, content, options)),
    rename: (from, to) => at(from, (seenFrom) => at(to, (seenTo) => outside.rename(seenFrom, seenTo))),
    mkdir: (path, options) => at(path, (seen) => outside.mkdir(seen, options)),
    symlink: (target, path, owner) => at(path, (seen) => outside.symlink(target, seen, owner)),
    unlink: (path) => at(path, outside.unlink),
    rmdir: (path) => at(path, outside.rmdir),
    chmod: (path, mode) => at(path, (seen) => outside.chmod(seen, mode)),
    chown: (path, uid, gid) => at(path, (seen) => outside.chown(seen, uid, gid)),
  }
  return { exec, fs }
}
