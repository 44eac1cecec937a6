import type { ImageFormat } from '@host-deployer/driver-api'
import type { InspectOptions } from '@host-deployer/image'
import type { DriverFlags } from '../open-driver.ts'

/** What `deploy` and `probe` have in common. */
export interface ImageFlags extends DriverFlags {
  readonly format?: ImageFormat
  readonly allowPath: readonly string[]
  readonly rootDevice?: string
  readonly timeout?: number
  readonly json?: boolean
}

export function inspectFlags({ format, allowPath }: ImageFlags): InspectOptions {
  return { allowPaths: allowPath, ...(format === undefined ? {} : { format }) }
}
