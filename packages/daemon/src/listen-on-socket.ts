import { chmod, chown, lstat, mkdir, readFile, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { ConfigError, type HostPath } from '@host-deployer/driver-api'

export interface SocketPlace {
  readonly path: HostPath
  /** Name or number; absent: the process's own. */
  readonly group?: string
}

/** `sun_path` without its final NUL, unix(7). */
const MAX_PATH_BYTES = 107

/**
 * Serves `server` (of `net`, `http`, `http2`) on a unix socket that is 0660 from its first moment on. See {@link claimSocketPath} for what is there
 * already. Closing the server removes the socket.
 *
 * Codes besides those of `claimSocketPath`: `CONFIG_SOCKET_GROUP` when there is no such group or it may not be given, `DAEMON_SOCKET_UNUSABLE`.
 */
export async function listenOnSocket(server: Server, { path, group }: SocketPlace): Promise<void> {
  const gid = group === undefined ? undefined : await groupId(group)
  await claimSocketPath(path)
  await listen(server, path)
  try {
    if (gid !== undefined) await chown(path, process.geteuid?.() ?? 0, gid)
  } catch (cause) {
    server.close()
    throw new ConfigError('CONFIG_SOCKET_GROUP', `The socket ${path} cannot be given to the group ${group}`, {
      hint: 'Run as root, or name a group this user is in.',
      context: { path, group },
      cause,
    })
  }
}

/**
 * Makes way for a socket: makes its directory (0755) when it is absent, removes a socket on which nobody answers. For servers that bind by
 * themselves; all others use {@link listenOnSocket}. Two processes that start at the same moment are told apart by the daemon's own lock, not here.
 *
 * `DAEMON_SOCKET_IN_USE` when somebody answers, `DAEMON_SOCKET_UNUSABLE` when there is something else, or the path cannot be used.
 */
export async function claimSocketPath(path: HostPath): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw unusable(path, `it is longer than ${MAX_PATH_BYTES} bytes`)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    const found = await lstat(path).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : Promise.reject(error)))
    if (found === undefined) return
    if (!found.isSocket()) throw unusable(path, 'something else than a socket is there')
    if (await answers(path)) {
      throw new ConfigError('DAEMON_SOCKET_IN_USE', `Another process serves ${path}`, {
        hint: 'Stop the other daemon first, or give this one another socket.',
        context: { path },
      })
    }
    await unlink(path)
  } catch (error) {
    throw error instanceof ConfigError ? error : unusable(path, error instanceof Error ? error.message : String(error), error)
  }
}

function listen(server: Server, path: HostPath): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(unusable(path, error.message, error))
    server.once('error', fail)
    // bind(2) happens within listen(), and makes the node with what the umask leaves of 0777: nobody else gets in before the chmod below.
    const umask = process.umask(0o117)
    try {
      server.listen(path, () => {
        server.off('error', fail)
        chmod(path, 0o660).then(resolve, fail)
      })
    } finally {
      process.umask(umask)
    }
  })
}

/** Only a refusal says that nobody listens; a full backlog is somebody. */
function answers(path: HostPath): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else if (error.code === 'EAGAIN') resolve(true)
      else reject(error)
    })
  })
}

/** Of `group(5)`; a number is taken as it is, so that a container needs no entry. */
async function groupId(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group)
  const lines = (await readFile('/etc/group', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'))
  const gid = lines.find(([name]) => name === group)?.[2]
  if (gid !== undefined && /^\d+$/.test(gid)) return Number(gid)
  throw new ConfigError('CONFIG_SOCKET_GROUP', `There is no group ${JSON.stringify(group)} in /etc/group`, {
    hint: 'Add the group, or give its number.',
    context: { group },
  })
}

function unusable(path: HostPath, reason: string, cause?: unknown): ConfigError {
  return new ConfigError('DAEMON_SOCKET_UNUSABLE', `No socket can be served at ${path}: ${reason}`, {
    hint: 'Remove what is there, or name another path.',
    context: { path },
    cause,
  })
}
