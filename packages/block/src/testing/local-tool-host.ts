import { execFile } from 'node:child_process'
import { lstat, readdir, readFile, readlink, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ExecError, FsError, type RawFs, type RawStat, type ToolHost } from '@host-deployer/driver-api'

const toStat = (stats: Awaited<ReturnType<typeof lstat>>): RawStat => ({
  type: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'block-device',
  mode: Number(stats.mode) & 0o7777,
  uid: Number(stats.uid),
  gid: Number(stats.gid),
  sizeBytes: Number(stats.size),
  mtimeMs: Number(stats.mtimeMs),
})

async function mapped<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new FsError(code === 'ENOENT' ? 'not-found' : code === 'ENOTDIR' ? 'not-a-directory' : 'io', path, undefined, { cause: error })
  }
}

const absent = (): Promise<never> => Promise.reject(new TypeError('Not needed by these tests'))

/** This machine as a tool host, as far as scanning and mounting need one. Records what it ran. */
export function createLocalToolHost(): ToolHost & { readonly ran: string[][] } {
  const fs: RawFs = {
    lstat: (path) => mapped(path, lstat(path).then(toStat)),
    readlink: (path) => mapped(path, readlink(path)),
    readdir: (path) =>
      mapped(
        path,
        readdir(path).then((names) => Promise.all(names.map(async (name) => ({ name, stat: toStat(await lstat(join(path, name))) })))),
      ),
    readFile: (path) => mapped(path, readFile(path)),
    rmdir: (path) => mapped(path, rmdir(path)),
    syncfs: () => Promise.resolve(),
    createFile: absent,
    rename: absent,
    mkdir: absent,
    symlink: absent,
    unlink: absent,
    chmod: absent,
    chown: absent,
    getXattrs: absent,
    setXattrs: absent,
  }
  const ran: string[][] = []
  return {
    fs,
    ran,
    exec: ([file, ...args], options = {}) =>
      new Promise((resolve, reject) => {
        ran.push([file, ...args])
        const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...options.env }
        const child = execFile(file, args, { encoding: 'buffer', env, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
          if (error?.code === 'ENOENT') return reject(new ExecError('EXEC_NOT_FOUND', `No ${file} here`, { cause: error }))
          const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : null
          resolve({ exitCode, signal: error?.signal ?? null, stdout, stderr })
        })
        // A tool that does not read its input may be gone before it is written.
        child.stdin?.on('error', () => undefined)
        child.stdin?.end(options.stdin ?? '')
      }),
  }
}
