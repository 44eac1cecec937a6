import { timingSafeEqual } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { type DeployError, DriverError, ExecError, TimeoutError } from '@host-deployer/driver-api'
import type { Client, ConnectConfig } from 'ssh2'
import { aborted } from './exec-errors.ts'

export interface SshConnectOptions {
  /** The transport: a socket or any duplex stream with an SSH server at its other end. The connection owns and destroys it. */
  readonly stream: Duplex
  readonly username: string
  /** OpenSSH private key text. This or a password. */
  readonly privateKey?: string
  readonly password?: string
  /**
   * The server's public key blob, byte for byte; any other key ends the connection. `unknown`: whichever key it shows, for a server that makes its own
   * and that the caller has recognised by other means.
   */
  readonly hostKey: Uint8Array | 'unknown'
  /** From the call to the end of the login. Default 30 s. */
  readonly loginTimeoutMs?: number
  readonly signal?: AbortSignal
  /** Turns the loss of the connection into the error every pending and later call rejects with. Asked once; must not reject. */
  readonly explainLoss?: (error: ExecError) => Promise<DeployError>
}

/** One SSH connection. Internal to this package. */
export interface SshConnection {
  readonly client: Client
  /** Runs a callback-style action; rejects with the explained loss as soon as the connection is gone, whatever the action does. */
  run<T>(action: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T>
  /** Ends the connection; resolves when the stream is closed. Idempotent. */
  close(): Promise<void>
}

// What dropbear or OpenSSH has, the cheapest first: curve25519 costs two thirds of nistp256 in an emulated CPU; with AES-CTR twice as many small
// file calls pass in a second as with ChaCha20 (which gains a tenth in bulk). Nothing else is offered.
const algorithms: NonNullable<ConnectConfig['algorithms']> = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org'],
  serverHostKey: ['ssh-ed25519'],
  cipher: ['aes128-gcm@openssh.com', 'aes128-ctr', 'chacha20-poly1305@openssh.com'],
  hmac: ['hmac-sha2-256'],
  compress: ['none'],
}

// What a server that was set up by somebody else may have instead.
const moreAlgorithms: NonNullable<ConnectConfig['algorithms']> = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'diffie-hellman-group14-sha256'],
  serverHostKey: ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-256'],
  cipher: ['aes128-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr', 'chacha20-poly1305@openssh.com'],
  hmac: ['hmac-sha2-256', 'hmac-sha1'],
  compress: ['none'],
}

function loginError(error: unknown, hostKeyRefused: boolean): DeployError {
  if (hostKeyRefused) {
    return new DriverError('DRIVER_SSH_HOST_KEY', 'The SSH server did not show the pinned host key', {
      hint: 'Somebody else answers on this connection, or the appliance did not take the key it was given.',
      cause: error,
    })
  }
  if ((error as { level?: string } | undefined)?.level === 'client-timeout') {
    return new TimeoutError('TIMEOUT_SSH_LOGIN', 'The SSH server did not complete the login in time', { retry: 'may-help', cause: error })
  }
  if ((error as { level?: string } | undefined)?.level === 'client-authentication') {
    const hint = 'Check user and password, or key.'
    return new DriverError('DRIVER_SSH_DENIED', 'The SSH server refused the login', { hint, retry: 'may-help', cause: error })
  }
  const reason = error instanceof Error ? error.message : 'the connection closed'
  return new DriverError('DRIVER_SSH_FAILED', `SSH login failed: ${reason}`, { cause: error })
}

function login(client: Client, options: SshConnectOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let hostKeyRefused = false
  const onAbort = (): void => reject(aborted(options.signal, 'the SSH login'))
  options.signal?.addEventListener('abort', onAbort, { once: true })
  client.once('ready', resolve)
  client.on('error', (error) => reject(loginError(error, hostKeyRefused)))
  client.once('close', () => reject(loginError(undefined, hostKeyRefused)))
  client.connect({
    sock: options.stream,
    username: options.username,
    ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
    ...(options.password === undefined ? {} : { password: options.password }),
    algorithms: options.hostKey === 'unknown' ? moreAlgorithms : algorithms,
    readyTimeout: options.loginTimeoutMs ?? 30_000,
    hostVerifier: (key: Buffer) => {
      if (options.hostKey === 'unknown') return true
      hostKeyRefused = key.length !== options.hostKey.length || !timingSafeEqual(key, options.hostKey)
      return !hostKeyRefused
    },
  })
  return promise.finally(() => options.signal?.removeEventListener('abort', onAbort))
}

/** Logs in over `options.stream`. `DRIVER_SSH_HOST_KEY`, `DRIVER_SSH_DENIED`, `DRIVER_SSH_FAILED`, `TIMEOUT_SSH_LOGIN`, `ABORTED`; on any of them the stream is destroyed. */
export async function connectSsh(options: SshConnectOptions): Promise<SshConnection> {
  if (options.signal?.aborted === true) {
    options.stream.destroy()
    throw aborted(options.signal, 'the SSH login')
  }
  // Loading it takes a tenth of a second, which a booting machine has to spare.
  const { default: ssh2 } = await import('ssh2')
  const client = new ssh2.Client()
  let lost: Promise<DeployError> | undefined
  let lastError: unknown
  const pending = new Set<(error: DeployError) => void>()
  const closed = Promise.withResolvers<void>()
  const lose = (): void => {
    if (lost !== undefined) return
    const error = new ExecError('EXEC_CONNECTION_LOST', 'The SSH connection to the tool host is gone', {
      hint: 'The machine behind it ended or hangs; its last console lines tell more.',
      cause: lastError,
    })
    lost = options.explainLoss?.(error) ?? Promise.resolve(error)
    for (const reject of pending) lost.then(reject)
    pending.clear()
    closed.resolve()
  }
  try {
    await login(client, options)
  } catch (error) {
    client.on('error', () => {})
    client.destroy()
    options.stream.destroy()
    throw error
  }
  client.on('error', (error) => {
    lastError = error
    lose()
  })
  client.once('close', lose)
  options.stream.once('close', lose)
  if (options.stream.destroyed) lose()

  return {
    client,
    run: (action) =>
      new Promise((resolve, reject) => {
        if (lost !== undefined) return void lost.then(reject)
        const fail = (error: unknown): void => {
          pending.delete(fail)
          reject(error)
        }
        pending.add(fail)
        const succeed = (value: Parameters<typeof resolve>[0]): void => {
          pending.delete(fail)
          resolve(value)
        }
        // A call that is under way when the connection goes fails a moment before anybody hears of the loss, with an error that names another reason.
        const failLater = (error: unknown): void => {
          setImmediate(() => {
            if (options.stream.destroyed || options.stream.readableEnded) lose()
            if (pending.has(fail)) fail(error)
          })
        }
        action(succeed, failLater)
      }),
    async close() {
      if (lost === undefined) client.end()
      options.stream.destroy()
      await closed.promise
    },
  }
}
