import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { DeployError } from '@host-deployer/driver-api'

export interface DaemonFlags {
  /** The admin socket. */
  readonly socket?: string
  /** What `serve` was given with `--config`. */
  readonly config?: string
  /** And with `--settings`. */
  readonly settings?: string
}

export interface DaemonAnswer {
  readonly status: number
  readonly body: string
}

const TIMEOUT_MS = 5000
/** Ours is far below; another program's socket may send anything. */
const MAX_BYTES = 16 * 2 ** 20

/**
 * Asks the daemon's admin socket for `path`. Where it is: `--socket`, else what the configuration says that is given, else `HOST_DEPLOYER_ADMIN_SOCKET_PATH`,
 * else the usual place if it is there, else what the usual configuration says. A probe that finds it without the configuration costs little. Codes: `DAEMON_NOT_RUNNING`, `DAEMON_SOCKET_DENIED`,
 * `DAEMON_NO_ANSWER`, those of the configuration.
 */
export async function askDaemon(path: string, flags: DaemonFlags, env: NodeJS.ProcessEnv): Promise<DaemonAnswer> {
  const socketPath = await adminSocket(flags, env)
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(DeployError.isInstance(error) ? error : noAnswer(socketPath, error))
    const sent = request({ socketPath, path, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      const parts: Buffer[] = []
      let bytes = 0
      response.on('error', fail)
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > MAX_BYTES) sent.destroy(noAnswer(socketPath, new Error(`more than ${MAX_BYTES} bytes`)))
        else parts.push(part)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }))
    })
    sent.on('error', fail)
    sent.end()
  })
}

/** The same, for what there is an answer to however the daemon is: any status but 200 is a fault, `DAEMON_NO_ANSWER`. */
export async function askDaemonFor(path: string, flags: DaemonFlags, env: NodeJS.ProcessEnv): Promise<string> {
  const { status, body } = await askDaemon(path, flags, env)
  if (status === 200) return body
  throw new DeployError('DAEMON_NO_ANSWER', `The daemon answers ${path} with HTTP status ${status}`, {
    hint: 'See its log (journalctl -u host-deployer); restart it when it stays like that.',
    context: { path, status },
  })
}

async function adminSocket({ socket, config, settings }: DaemonFlags, env: NodeJS.ProcessEnv): Promise<string> {
  if (socket !== undefined) return socket
  const named = env['HOST_DEPLOYER_ADMIN_SOCKET_PATH']
  const usual = named ?? join(env['HOST_DEPLOYER_STATE_DIRECTORY'] ?? '/var/lib/host-deployer', 'admin.sock')
  const given = config !== undefined || settings !== undefined
  if (!given && (named !== undefined || existsSync(usual))) return usual
  const { noArguments, readConfig } = await import('@host-deployer/daemon')
  const files = { ...noArguments, ...(config !== undefined && { config }), ...(settings !== undefined && { settings }) }
  return (await readConfig({ given: files, env })).config.adminSocketPath
}

function noAnswer(socket: string, cause: NodeJS.ErrnoException): DeployError {
  const options = { context: { socket }, cause }
  if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED')
    return new DeployError('DAEMON_NOT_RUNNING', `No daemon serves ${socket}`, {
      ...options,
      hint: 'Start it (systemctl start host-deployer), or say where its admin socket is with --socket, --config or --settings.',
    })
  if (cause.code === 'EACCES' || cause.code === 'EPERM')
    return new DeployError('DAEMON_SOCKET_DENIED', `This user may not ask the daemon at ${socket}`, {
      ...options,
      hint: "Run it as root, or as a member of the socket's group.",
    })
  return new DeployError('DAEMON_NO_ANSWER', `The daemon at ${socket} gave no answer: ${cause.message}`, {
    ...options,
    hint: 'See its log (journalctl -u host-deployer); restart it when it stays like that.',
  })
}
