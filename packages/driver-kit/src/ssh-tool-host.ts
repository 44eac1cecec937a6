import type { ToolHost } from '@host-deployer/driver-api'
import { createExecRawFs } from './exec-raw-fs.ts'
import { createSftpClient, type SftpClient } from './sftp-client.ts'
import { createSftpRawFs } from './sftp-raw-fs.ts'
import { connectSsh, type SshConnectOptions } from './ssh-connection.ts'
import { createSshExec } from './ssh-exec.ts'

export interface SshToolHostOptions extends SshConnectOptions {
  /** `PATH` of the programs. */
  readonly path?: string
  /** Programs at once; more wait. Default 24. */
  readonly maxChannels?: number
  /** For `exec` calls without a `timeoutMs` of their own. Absent: no limit. */
  readonly defaultTimeoutMs?: number
  /** `sftp` (default), or `exec`: files by programs alone, without extended attributes, for a server that has nothing else. */
  readonly files?: 'sftp' | 'exec'
}

/** A tool host at the other end of an SSH connection. */
export interface SshToolHost extends ToolHost {
  /** Ends the connection; pending calls reject. Idempotent. */
  close(): Promise<void>
}

/**
 * Logs in and offers `exec` and files over one connection. The server needs a POSIX shell for login, OpenSSH's sftp-server, and for extended
 * attributes attr's `getfattr` and `setfattr`. Programs start with `PATH`, `LC_ALL=C` and what the call adds. A program ended by a signal that
 * the server does not report has the signal `UNKNOWN`.
 *
 * `DRIVER_SSH_HOST_KEY` (another key than the pinned one), `DRIVER_SSH_DENIED` (key or password refused), `DRIVER_SSH_FAILED`, `TIMEOUT_SSH_LOGIN`, `ABORTED`; the stream is destroyed then.
 * After the loss of the connection every call rejects with `EXEC_CONNECTION_LOST` or what `explainLoss` makes of it, file calls, too.
 */
export async function connectSshToolHost(options: SshToolHostOptions): Promise<SshToolHost> {
  const connection = await connectSsh(options)
  const exec = createSshExec(connection, {
    path: options.path ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    maxChannels: options.maxChannels ?? 24,
    defaultTimeoutMs: options.defaultTimeoutMs,
  })
  if (options.files === 'exec') return { exec, fs: createExecRawFs(exec, { xattrs: false }), close: () => connection.close() }
  let sftp: Promise<SftpClient> | undefined
  const startSftp = (): Promise<SftpClient> => {
    sftp ??= connection.run((resolve, reject) => {
      connection.client.sftp((error, wrapper) => {
        if (error !== undefined && error !== null) return reject(error)
        wrapper.on('error', () => {})
        resolve(createSftpClient(connection, wrapper))
      })
    })
    return sftp
  }
  // The server takes a while to start; who needs it finds it running. A failure is reported by the first call that needs it.
  startSftp().catch(() => {})
  return { exec, fs: createSftpRawFs(startSftp, exec), close: () => connection.close() }
}
