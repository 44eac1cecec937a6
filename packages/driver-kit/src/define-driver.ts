import type { Driver } from '@host-deployer/driver-api'

/** What a driver is made of; `apiVersion` is added. */
export type DriverDefinition<Options> = Omit<Driver<Options>, 'apiVersion'>

/**
 * Makes a driver. Checks at once what can be checked without running it: a name of `[a-z0-9-]`, a Standard Schema for its options, the two
 * methods and, where it is there, the third. A wrong definition is a programming mistake: `TypeError`.
 */
export function defineDriver<Options>(definition: DriverDefinition<Options>): Driver<Options> {
  const { name, options, probe, open, prepare } = definition
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw new TypeError(`Not a driver name: ${JSON.stringify(name)}`)
  if (options?.['~standard']?.version !== 1) throw new TypeError(`The options of driver ${name} are not a Standard Schema`)
  if (typeof probe !== 'function' || typeof open !== 'function') throw new TypeError(`Driver ${name} lacks probe() or open()`)
  if (prepare !== undefined && typeof prepare !== 'function') throw new TypeError(`prepare of driver ${name} is no function`)
  return Object.freeze({ apiVersion: 1, name, options, probe, open, ...(prepare !== undefined && { prepare }) })
}
