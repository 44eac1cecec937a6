/** Turns a driver of one version of the contract into one of the next. Gets the driver as it was exported and gives a new object. */
export type Lift = (driver: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>

/**
 * Which versions of the driver contract a loader takes. The code above the loader knows the newest one only; an older driver is lifted, one version at
 * a time, when it is loaded.
 */
export interface Contract {
  /** The newest version: what a loaded driver is. */
  readonly version: number
  /** By the version they take: `lifts[1]` makes a driver of version 2 out of one of version 1. A version without a way up is not supported. */
  readonly lifts: Readonly<Record<number, Lift>>
}

/** The contract of this release. When `Driver.apiVersion` becomes 2, version becomes 2 and `lifts` gets its first entry. */
export const currentContract: Contract = { version: 1, lifts: {} }

/** Every version a loader with this contract takes, oldest first. */
export function supportedVersions({ version, lifts }: Contract): number[] {
  let oldest = version
  while (lifts[oldest - 1] !== undefined) oldest -= 1
  return Array.from({ length: version - oldest + 1 }, (_, index) => oldest + index)
}

/** Lifts a driver, whose version is one of {@link supportedVersions}, to the newest one. */
export function liftDriver(driver: Readonly<Record<string, unknown>>, from: number, contract: Contract): Readonly<Record<string, unknown>> {
  let lifted = driver
  for (let version = from; version < contract.version; version += 1) lifted = contract.lifts[version]?.(lifted) ?? lifted
  return lifted
}
