import { pathToFileURL } from 'node:url'
import { type Driver, DriverError, type StandardIssue } from '@host-deployer/driver-api'
import { checkDriver } from './check-driver.ts'
import { type Contract, currentContract } from './contract.ts'
import { driverSpecifier, ownDriverNames } from './driver-specifier.ts'
import { type DriverLocation, type DriverPackage, locateDriver } from './locate-driver.ts'

export interface LoadDriverOptions {
  /**
   * Directories whose `node_modules`, and those above them, are searched for packages, in this order. Relative paths start at the first one:
   * the directory of the configuration file, or the working directory.
   */
  readonly from: readonly [string, ...string[]]
  /** The driver's section of the configuration, checked against the driver's own schema. Default `{}`. */
  readonly options?: unknown
  /** Drivers that are loaded already, by name: the path of each. Another one with such a name is refused. */
  readonly loaded?: ReadonlyMap<string, string>
}

export interface LoadedDriver {
  /** Of the newest version of the contract, whatever version it was written for. */
  readonly driver: Driver
  /** The version of the contract that it was written for. */
  readonly apiVersion: number
  /** Validated, with every default filled in. */
  readonly options: unknown
  /** The module that was imported. */
  readonly path: string
  /** Absent for a module that lies in no package. */
  readonly package?: DriverPackage
}

/** {@link loadDriver} of one version of the contract. */
export type LoadDriver = (nameOrPath: string, options: LoadDriverOptions) => Promise<LoadedDriver>

/** A {@link loadDriver} that takes the drivers of another range of versions. */
export function createDriverLoader(contract: Contract): LoadDriver {
  return async (nameOrPath, { from, options = {}, loaded }) => {
    const location = locateDriver(nameOrPath, driverSpecifier(nameOrPath), from)
    const { driver, apiVersion } = checkDriver(nameOrPath, await importDriver(nameOrPath, location), contract)
    checkName(driver, location, loaded)
    return { driver, apiVersion, options: await validate(driver, options), ...location }
  }
}

/**
 * Loads a driver by name (`nbd` is `@host-deployer/driver-nbd` and nothing else), by package name, or by path, and checks it. A driver that was written
 * for an older version of the contract is lifted to the newest.
 *
 * Rejects with `DriverError`: `DRIVER_NOT_FOUND`, `DRIVER_IMPORT_FAILED` (with the cause), `DRIVER_NOT_EXPORTED`, `DRIVER_API_UNSUPPORTED`,
 * `DRIVER_INVALID`, `DRIVER_NAME_TAKEN`, `DRIVER_OPTIONS_INVALID`. A driver that was named is never replaced by another one.
 */
export const loadDriver: LoadDriver = createDriverLoader(currentContract)

async function importDriver(nameOrPath: string, { path }: DriverLocation): Promise<unknown> {
  try {
    const module = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { readonly driver?: unknown }
    return module.driver
  } catch (cause) {
    throw new DriverError(
      'DRIVER_IMPORT_FAILED',
      `The driver ${JSON.stringify(nameOrPath)} cannot be imported: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        hint: 'The cause is in the message; reinstall the package, or mend the file.',
        context: { driver: nameOrPath, path },
        cause,
      },
    )
  }
}

/** A name stands in reports, leases and configuration: two drivers cannot share one, and ours are not for others. */
function checkName({ name }: Driver, location: DriverLocation, loaded: LoadDriverOptions['loaded']): void {
  const other = loaded?.get(name)
  const isOwn = ownDriverNames.some((own) => own === name)
  const owner = isOwn ? `@host-deployer/driver-${name}` : undefined
  const holder = owner !== undefined && location.package?.name !== owner ? owner : other
  if (holder === undefined || holder === location.path) return
  throw new DriverError('DRIVER_NAME_TAKEN', `The driver at ${location.path} calls itself ${name}, and that is the name of ${holder}`, {
    hint: 'Give the driver a name of its own in `defineDriver`.',
    context: { name, path: location.path, holder },
  })
}

async function validate(driver: Driver, options: unknown): Promise<unknown> {
  const result = await driver.options['~standard'].validate(options)
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(describeIssue)
  throw new DriverError('DRIVER_OPTIONS_INVALID', `The options of the driver ${driver.name} are wrong: ${issues.join('; ')}`, {
    hint: 'Correct the section of this driver in the configuration, or the flags on the command line.',
    context: { driver: driver.name, issues },
  })
}

function describeIssue({ message, path = [] }: StandardIssue): string {
  const keys = path.map((key) => String(typeof key === 'object' ? key.key : key))
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
}
