import type { Logger } from '@host-deployer/driver-api'
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { redactFields, redactText } from './redact.ts'

export type LogLevel = DaemonConfig['logLevel']

/**
 * One JSON object a line: `level` (a word), `time` (RFC 3339, UTC), `event` (a stable word such as `job.done`), then the fields. It is a `Logger` of
 * driver-api, too.
 */
export interface DaemonLogger extends Logger {
  trace(event: string, fields?: Readonly<Record<string, unknown>>): void
  error(event: string, fields?: Readonly<Record<string, unknown>>): void
  /** A logger that adds these fields to each line; they win over those of the line, so that a job cannot pose as another one. */
  child(fields: Readonly<Record<string, unknown>>): DaemonLogger
  /** Read and set while running; children follow. */
  level: LogLevel
}

/**
 * Writes to standard error, synchronously, so that the last line before a crash is there; `stream` takes the lines instead, for tests.
 * What is a secret by type (`Secret`), by name (`password`) or by form (a crypt hash, a private key) is replaced, see `redact`.
 */
export function createLogger({ logLevel }: Pick<DaemonConfig, 'logLevel'>, stream?: DestinationStream): DaemonLogger {
  const root = pino(
    {
      level: logLevel,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream ?? destination({ fd: 2, sync: true }),
  )
  const make = (bound: Readonly<Record<string, unknown>>): DaemonLogger => {
    const write = (level: LogLevel) => (event: string, fields?: Readonly<Record<string, unknown>>) => {
      if (!root.isLevelEnabled(level)) return
      root[level]({ event: redactText(event), ...reserved({ ...redactFields(fields ?? {}), ...bound }) })
    }
    return {
      trace: write('trace'),
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => make({ ...bound, ...redactFields(fields) }),
      get level() {
        return root.level as LogLevel
      },
      set level(level) {
        root.level = level
      },
    }
  }
  return make({})
}

/** A line has each name once: fields that are called like a part of every line move aside. */
function reserved(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name of ['level', 'time', 'event']) {
    if (!Object.hasOwn(fields, name)) continue
    fields[`${name}_`] = fields[name]
    delete fields[name]
  }
  return fields
}
