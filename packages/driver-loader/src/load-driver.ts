import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Driver, DriverError, type StandardIssue } from '@host-deployer/driver-api'
import { driverSpecifier } from './driver-specifier.ts'

export interface LoadDriverOptions {
  /**
   * Directories whose `node_modules`, and those above them, are searched for packages, in this order. Relative paths start at the first one:
   * the directory of the configuration file, or the working directory.
   */
  readonly from: readonly [string, ...string[]]
  /** The driver's section of the configuration, checked against the driver's own schema. Default `{}`. */
  readonly options?: unknown
}

export interface LoadedDriver {
  readonly driver: Driver
  /** Validated, with every default filled in. */
  readonly options: unknown
  /** What was asked for, resolved: a path. */
  readonly path: string
}

const apiVersion = 1

/**
 * Loads a driver by name (`nbd` is `@host-deployer/driver-nbd` and nothing else), by package name, or by path, and checks it.
 *
 * Rejects with `DriverError`: `DRIVER_NOT_FOUND`, `DRIVER_IMPORT_FAILED` (with the cause), `DRIVER_INVALID`, `DRIVER_API_UNSUPPORTED`, `DRIVER_OPTIONS_INVALID`.
 * A driver that was named is never replaced by another one.
 */
export async function loadDriver(nameOrPath: string, { from, options = {} }: LoadDriverOptions): Promise<LoadedDriver> {
  const path = locate(nameOrPath, from)
  const driver = check(nameOrPath, await importFrom(nameOrPath, path))
  const result = await driver.options['~standard'].validate(options)
  if (result.issues !== undefined) {
    throw new DriverError(
      'DRIVER_OPTIONS_INVALID',
      `The options of the driver ${driver.name} are wrong: ${result.issues.map(describeIssue).join('; ')}`,
      {
        hint: 'Correct the section of this driver in the configuration, or the flags on the command line.',
        context: { driver: driver.name, issues: result.issues.map(describeIssue) },
      },
    )
  }
  return { driver, options: result.value, path }
}

function locate(nameOrPath: string, from: LoadDriverOptions['from']): string {
  const specifier = driverSpecifier(nameOrPath)
  for (const directory of specifier.type === 'path' ? from.slice(0, 1) : from) {
    try {
      const target = specifier.type === 'path' ? resolve(directory, specifier.path) : specifier.name
      return createRequire(join(resolve(directory), 'x.js')).resolve(target)
    } catch {
      // Not from here.
    }
  }
  throw new DriverError('DRIVER_NOT_FOUND', `There is no driver ${JSON.stringify(nameOrPath)}`, {
    hint:
      specifier.type === 'path'
        ? 'Check the path; it is relative to the configuration file or the working directory.'
        : `Install it (npm install ${specifier.name}), or name one that is there: see \`host-deployer drivers\`.`,
    context: { driver: nameOrPath, searched: from },
  })
}

async function importFrom(nameOrPath: string, path: string): Promise<unknown> {
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

function check(nameOrPath: string, candidate: unknown): Driver {
  if (typeof candidate !== 'object' || candidate === null) throw invalid(nameOrPath, 'it exports no `driver`')
  const driver = candidate as Partial<Record<keyof Driver, unknown>>
  if (driver.apiVersion !== apiVersion) {
    throw new DriverError(
      'DRIVER_API_UNSUPPORTED',
      `The driver ${JSON.stringify(nameOrPath)} speaks version ${String(driver.apiVersion)} of the contract, this is version ${apiVersion}`,
      {
        hint: 'Install a version of the driver that matches this host-deployer.',
        context: { driver: nameOrPath, found: driver.apiVersion, supported: [apiVersion] },
      },
    )
  }
  if (typeof driver.name !== 'string' || driver.name === '') throw invalid(nameOrPath, 'it has no name')
  if (typeof driver.probe !== 'function' || typeof driver.open !== 'function') throw invalid(nameOrPath, 'it lacks `probe` or `open`')
  const schema = driver.options as Driver['options'] | undefined
  if (typeof schema?.['~standard']?.validate !== 'function') throw invalid(nameOrPath, 'its `options` are no Standard Schema')
  return candidate as Driver
}

function invalid(nameOrPath: string, reason: string): DriverError {
  return new DriverError('DRIVER_INVALID', `This is not a driver: ${JSON.stringify(nameOrPath)}; ${reason}`, {
    hint: 'A driver package exports `driver`, made by `defineDriver` of @host-deployer/driver-kit.',
    context: { driver: nameOrPath, reason },
  })
}

function describeIssue({ message, path = [] }: StandardIssue): string {
  const keys = path.map((key) => String(typeof key === 'object' ? key.key : key))
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
}
