import { setTimeout as delay } from 'node:timers/promises'
import { DeployError, DriverError } from '@host-deployer/driver-api'
import { connectSshToolHost, type SshToolHost, type SshToolHostOptions } from '@host-deployer/driver-kit'
import { connectToSpeaker } from './banner-socket.ts'
import { findForwardedPort } from './forwarded-port.ts'
import { readStockPassword } from './stock-appliance.ts'
import type { StockOptions } from './stock-options.ts'

export interface StockLogin {
  readonly stock: StockOptions
  readonly qemu: { readonly pid: number; readonly uid: number | undefined }
  /** From now on. */
  readonly bootTimeoutMs: number
  readonly defaultTimeoutMs: number
  readonly explainLoss: NonNullable<SshToolHostOptions['explainLoss']>
  /** Ends the attempts. */
  readonly signal: AbortSignal
  /** The SSH server has said its first word. */
  readonly onBanner: () => void
}

const PAUSE_MS = 500
/** One login on a slow machine; the next attempt may do better than a server that has stopped in the middle. */
const LOGIN_TIMEOUT_MS = 30_000
/** So long before the deadline of the boot the reason is told instead of the time. */
const MARGIN_MS = 1_500

/** What may be over in a moment: a password that is not yet set, a server that is just starting. */
const PASSING = new Set(['DRIVER_SSH_DENIED', 'DRIVER_SSH_FAILED', 'TIMEOUT_SSH_LOGIN'])

function notForwarded(): DriverError {
  return new DriverError('DRIVER_FORWARD_FAILED', 'QEMU does not listen on the port that leads into the VM', {
    hint: 'Its network backend "user" (libslirp) is needed; install a QEMU that has it.',
  })
}

function denied(username: string, cause: DeployError): DriverError {
  return new DriverError('DRIVER_SSH_DENIED', `The stock appliance refused the password of ${username} until the end`, {
    hint: 'Check the driver option stock.passwordFile; a machine that is slow to boot may need a larger bootTimeoutMs.',
    retry: 'exhausted',
    cause,
  })
}

/**
 * Logs in to a stock appliance over the one forwarded port. yunionos sets a random password while it boots and its own again at the end, so a refusal is
 * no answer before the deadline. It makes its host key itself; that the server is ours is known because the listening socket is QEMU's, before the
 * password leaves this process. `DRIVER_FORWARD_FAILED`, `DRIVER_SSH_DENIED`, `DRIVER_STOCK_FILE`; rejects when `signal` fires.
 */
export async function logInToStock(input: StockLogin): Promise<SshToolHost> {
  const { stock, qemu, signal } = input
  const deadline = performance.now() + input.bootTimeoutMs - MARGIN_MS
  const password = await readStockPassword(stock)
  const forwarded = await findForwardedPort(qemu)
  if (forwarded === undefined) throw notForwarded()
  for (;;) {
    const stream = await connectToSpeaker(forwarded.port, signal)
    input.onBanner()
    if ((await findForwardedPort(qemu))?.inode !== forwarded.inode) {
      stream.destroy()
      throw notForwarded()
    }
    try {
      return await connectSshToolHost({
        stream,
        username: stock.username,
        password,
        hostKey: 'unknown',
        files: 'exec',
        loginTimeoutMs: LOGIN_TIMEOUT_MS,
        defaultTimeoutMs: input.defaultTimeoutMs,
        explainLoss: input.explainLoss,
        signal,
      })
    } catch (error) {
      if (!DeployError.isInstance(error) || !PASSING.has(error.code)) throw error
      if (performance.now() > deadline) throw error.code === 'DRIVER_SSH_DENIED' ? denied(stock.username, error) : error
      await delay(PAUSE_MS, undefined, { signal })
    }
  }
}
