import { type Driver, DriverError } from '@host-deployer/driver-api'
import { type Contract, liftDriver, supportedVersions } from './contract.ts'

export interface CheckedDriver {
  readonly driver: Driver
  /** The version of the contract that it was written for. */
  readonly apiVersion: number
}

/**
 * Pure but for what a lift does. Takes what a module exports as `driver` and gives a driver of the contract's newest version. `DRIVER_NOT_EXPORTED`,
 * `DRIVER_API_UNSUPPORTED`, `DRIVER_INVALID`.
 */
export function checkDriver(nameOrPath: string, candidate: unknown, contract: Contract): CheckedDriver {
  if (typeof candidate !== 'object' || candidate === null) {
    throw new DriverError('DRIVER_NOT_EXPORTED', `The module exports no \`driver\`: ${JSON.stringify(nameOrPath)}`, {
      hint: 'A driver package exports `driver`, made by `defineDriver` of @host-deployer/driver-kit; check that this is the right package.',
      context: { driver: nameOrPath },
    })
  }
  const exported = candidate as Readonly<Record<string, unknown>>
  const { apiVersion } = exported
  const supported = supportedVersions(contract)
  if (typeof apiVersion !== 'number' || !supported.includes(apiVersion)) {
    const newer = typeof apiVersion === 'number' && apiVersion > contract.version
    throw new DriverError(
      'DRIVER_API_UNSUPPORTED',
      `The driver ${JSON.stringify(nameOrPath)} speaks version ${String(apiVersion)} of the contract, this host-deployer ${describe(supported)}`,
      {
        hint: newer ? 'Install a newer host-deployer, or an older version of the driver.' : 'Install a newer version of the driver.',
        context: { driver: nameOrPath, found: apiVersion ?? null, supported },
      },
    )
  }
  // Before the lift what it relies on, after it what everybody relies on.
  checkShape(nameOrPath, exported)
  const lifted = liftDriver(exported, apiVersion, contract)
  if (lifted !== exported) checkShape(nameOrPath, lifted)
  return { driver: lifted as unknown as Driver, apiVersion }
}

const describe = (versions: readonly number[]): string =>
  versions.length === 1 ? `version ${versions[0]}` : `versions ${versions[0]} to ${versions.at(-1)}`

function checkShape(nameOrPath: string, driver: Readonly<Record<string, unknown>>): void {
  const reason = whatIsWrong(driver)
  if (reason === undefined) return
  throw new DriverError('DRIVER_INVALID', `This is not a driver: ${JSON.stringify(nameOrPath)}; ${reason}`, {
    hint: 'Make it with `defineDriver` of @host-deployer/driver-kit, which refuses this at once.',
    context: { driver: nameOrPath, reason },
  })
}

function whatIsWrong({ name, probe, open, prepare, options }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof name !== 'string' || name === '') return 'it has no name'
  if (typeof probe !== 'function' || typeof open !== 'function') return 'it lacks `probe` or `open`'
  if (prepare !== undefined && typeof prepare !== 'function') return 'its `prepare` is no function'
  const schema = options as Partial<Driver['options']> | undefined
  return typeof schema?.['~standard']?.validate === 'function' ? undefined : 'its `options` are no Standard Schema'
}
