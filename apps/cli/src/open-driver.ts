import { resolve } from 'node:path'
import { type Driver, type DriverContext, hostPath, type Logger } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { type LoadedDriver, loadDriver } from '@host-deployer/driver-loader'
import { directories } from './directories.ts'

export interface DriverFlags {
  /** A name, a package or a path. Default `qemu-initramfs`. */
  readonly driver?: string
  readonly appliance?: string
  /** The image may meet this machine's kernel: the option `trustImages` of a driver that works without a VM. */
  readonly trustImage?: boolean
  /** The driver's section of a configuration, checked against its own schema. */
  readonly driverOptions?: Readonly<Record<string, unknown>>
  /** A JSON file with the same; {@link driverOptions} win. */
  readonly driverConfig?: string
  readonly verbose?: boolean
  readonly keepOnFailure?: boolean
}

export interface ReadyDriver {
  readonly driver: Driver
  readonly context: DriverContext<unknown>
  readonly loaded: LoadedDriver
}

interface OpenDriverOptions {
  readonly signal?: AbortSignal | undefined
  /** Drivers that are loaded already, see `LoadDriverOptions.loaded`. */
  readonly others?: ReadonlyMap<string, string>
}

/** Loads a driver by name, package or path, and makes the context that its calls get. */
export async function openDriver(flags: DriverFlags, { signal, others }: OpenDriverOptions = {}): Promise<ReadyDriver> {
  const where = directories(process.env)
  const given = {
    ...(flags.appliance === undefined ? {} : { appliance: hostPath(resolve(flags.appliance)) }),
    ...(flags.trustImage === true ? { trustImages: true } : {}),
  }
  const configured =
    flags.driverConfig === undefined ? {} : await (await import('./read-driver-config.ts')).readDriverConfig(flags.driverConfig)
  const loaded = await loadDriver(flags.driver ?? 'qemu-initramfs', {
    from: [process.cwd(), import.meta.dirname],
    options: { ...configured, ...flags.driverOptions, ...given },
    ...(others === undefined ? {} : { loaded: others }),
  })
  const { driver, options } = loaded
  return {
    driver,
    loaded,
    context: {
      options,
      workDirectory: where.work,
      cacheDirectory: where.cache,
      logger: flags.verbose ? stderrLogger : silentLogger,
      leases: createFileLeaseJournal(where.state),
      ...(signal === undefined ? {} : { signal }),
      ...(flags.keepOnFailure === true ? { keepOnFailure: true } : {}),
    },
  }
}

const silentLogger: Logger = { debug() {}, info() {}, warn() {} }

const write =
  (level: string) =>
  (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
    process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
  }
const stderrLogger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn') }
