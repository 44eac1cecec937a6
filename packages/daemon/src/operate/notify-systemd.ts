import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { DaemonLogger } from './create-logger.ts'

/** What the service manager is told, sd_notify(3). Never rejects: a manager that cannot be told is logged, and the daemon goes on. */
export interface ServiceNotifier {
  ready(status: string): Promise<void>
  /** The line that `systemctl status` shows. */
  status(text: string): Promise<void>
  /** The configuration is read again; {@link ServiceNotifier.ready} says that it is done. */
  reloading(): Promise<void>
  /** With `withinMs` the manager waits that long, whatever `TimeoutStopSec=` says, and a minute for what is to be released then. */
  stopping(status: string, withinMs?: number): Promise<void>
  /** Ends the watchdog's messages. */
  close(): void
}

export interface ServiceNotifierOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly logger: DaemonLogger
  /** The watchdog is fed only while this says so. */
  readonly alive: () => boolean
}

const TIMEOUT_MS = 10_000
const RELEASE_MS = 60_000

/**
 * Tells systemd through its own program systemd-notify(1), since Node cannot send datagrams to a unix socket: the unit needs `NotifyAccess=all`. Without
 * `NOTIFY_SOCKET` nothing happens. With `WatchdogSec=` in the unit it is fed at half that time.
 */
export function createServiceNotifier({ env, logger, alive }: ServiceNotifierOptions): ServiceNotifier {
  const socket = env['NOTIFY_SOCKET']
  let last: Promise<void> = Promise.resolve()
  const tell = (...assignments: readonly string[]): Promise<void> => {
    if (socket === undefined || socket === '') return last
    // One after the other, so that none overtakes another.
    last = last
      .then(async () => {
        const { PATH } = env
        await promisify(execFile)('systemd-notify', assignments.map(oneLine), {
          env: { NOTIFY_SOCKET: socket, ...(PATH !== undefined && { PATH }) },
          timeout: TIMEOUT_MS,
        })
      })
      .catch((error: unknown) => logger.error('systemd.notify', { assignments, error }))
    return last
  }
  const everyMs = watchdogMs(env) / 2
  const timer =
    socket !== undefined && everyMs > 0
      ? setInterval(() => {
          if (alive()) void tell('WATCHDOG=1')
        }, everyMs)
      : undefined
  timer?.unref()
  return {
    ready: (status) => tell('READY=1', `STATUS=${status}`),
    status: (text) => tell(`STATUS=${text}`),
    reloading: () => tell('RELOADING=1'),
    stopping: (status, withinMs) =>
      tell('STOPPING=1', `STATUS=${status}`, ...(withinMs === undefined ? [] : [`EXTEND_TIMEOUT_USEC=${(withinMs + RELEASE_MS) * 1000}`])),
    close: () => clearInterval(timer),
  }
}

/** sd_watchdog_enabled(3): `WATCHDOG_PID`, when given, must be this process. */
function watchdogMs(env: ServiceNotifierOptions['env']): number {
  const pid = env['WATCHDOG_PID']
  if (pid !== undefined && pid !== String(process.pid)) return 0
  const microseconds = Number(env['WATCHDOG_USEC'] ?? 0)
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : 0
}

/** A line feed would begin another assignment. */
const oneLine = (assignment: string) => assignment.replace(/[\r\n\0]+/g, ' ')
