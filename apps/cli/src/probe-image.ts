import type { ProbeReport } from '@host-deployer/api'
import { probe as probeGuest } from '@host-deployer/core'
import { directories } from './directories.ts'
import { freeOrphans } from './free-orphans.ts'
import { clock, given, type ImageOptions, inspect } from './image-options.ts'
import { openDriver } from './open-driver.ts'

/** Finds out what is in an image, which stays byte for byte as it is. Rejects with `DeployError`. */
export async function probe(path: string, options: ImageOptions = {}): Promise<ProbeReport> {
  const image = await inspect(path, options)
  const { driver, context } = await openDriver(options, options)
  await freeOrphans(directories(process.env).state, context.logger)
  return probeGuest({ driver, context, image, clock, ...given(options) })
}
