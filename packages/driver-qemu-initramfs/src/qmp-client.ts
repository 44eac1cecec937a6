import type { Duplex } from 'node:stream'
import { DriverError, TimeoutError } from '@host-deployer/driver-api'

/** An event of QEMU, see the QMP reference: `VSERPORT_CHANGE`, `SHUTDOWN`. */
export interface QmpEvent {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Why QEMU refused a command. `class` is nearly always `GenericError`. */
export interface QmpErrorDetails {
  readonly class: string
  readonly desc: string
}

export interface QmpClient {
  /** Sends one command and resolves with what it returns. `DRIVER_QMP_REFUSED` (context `class`, `desc`), `DRIVER_QMP_LOST`, `TIMEOUT_QMP`. */
  execute(command: string, parameters?: Readonly<Record<string, unknown>>, options?: { readonly timeoutMs?: number }): Promise<unknown>
  /** Calls back for every event from now on. */
  onEvent(listener: (event: QmpEvent) => void): void
}

const DEFAULT_TIMEOUT_MS = 30_000

interface Message {
  readonly QMP?: unknown
  readonly id?: number
  readonly return?: unknown
  readonly error?: QmpErrorDetails
  readonly event?: string
  readonly data?: Record<string, unknown>
}

/**
 * Speaks QMP (QEMU's docs/interop/qmp-spec) over an inherited socket: waits for the greeting, negotiates no capabilities.
 * `onLine` sees every line both ways, for a trace. The stream stays its owner's.
 */
export async function connectQmp(stream: Duplex, onLine: (direction: '<' | '>', line: string) => void = () => {}): Promise<QmpClient> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void; command: string }>()
  const listeners: ((event: QmpEvent) => void)[] = []
  const greeting = Promise.withResolvers<void>()
  let nextId = 1
  let lost = false

  const lose = (): void => {
    if (lost) return
    lost = true
    const error = new DriverError('DRIVER_QMP_LOST', 'QEMU closed its control connection')
    greeting.reject(error)
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const receive = (message: Message): void => {
    if (message.QMP !== undefined) greeting.resolve()
    if (message.event !== undefined) {
      const event = { event: message.event, data: message.data ?? {} }
      for (const listener of listeners) listener(event)
      return
    }
    const call = waiting.get(message.id ?? 0)
    if (call === undefined) return
    waiting.delete(message.id ?? 0)
    if (message.error === undefined) {
      call.resolve(message.return)
      return
    }
    const { class: errorClass, desc } = message.error
    const context = { command: call.command, class: errorClass, desc }
    call.reject(new DriverError('DRIVER_QMP_REFUSED', `QEMU refused ${call.command}: ${desc}`, { context }))
  }

  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (line.trim() === '') continue
      onLine('<', line.trimEnd())
      receive(JSON.parse(line) as Message)
    }
  })
  stream.on('error', lose)
  stream.on('close', lose)
  stream.on('end', lose)

  const execute: QmpClient['execute'] = async (command, parameters, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) => {
    if (lost) throw new DriverError('DRIVER_QMP_LOST', 'QEMU closed its control connection')
    const id = nextId++
    const line = JSON.stringify({ execute: command, id, ...(parameters !== undefined && { arguments: parameters }) })
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    waiting.set(id, { resolve, reject, command })
    onLine('>', line)
    stream.write(`${line}\n`)
    const timer = setTimeout(() => {
      waiting.delete(id)
      reject(new TimeoutError('TIMEOUT_QMP', `QEMU did not answer ${command} within ${timeoutMs} ms`, { context: { command, timeoutMs } }))
    }, timeoutMs)
    return promise.finally(() => clearTimeout(timer))
  }

  await greeting.promise
  await execute('qmp_capabilities')
  return { execute, onEvent: (listener) => listeners.push(listener) }
}
