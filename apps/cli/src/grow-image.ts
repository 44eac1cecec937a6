import type { GrowReport } from '@host-deployer/api'
import { grow as growDisk } from '@host-deployer/core'
import { directories } from './directories.ts'
import { freeOrphans } from './free-orphans.ts'
import { clock, given, type ImageOptions, inspect } from './image-options.ts'
import { openDriver } from './open-driver.ts'

/** Lets what is on a disk fill it; `rootDevice` is what grows. Rejects with `DeployError`. See `grow` of `@host-deployer/core`. */
export async function grow(path: string, options: ImageOptions = {}): Promise<GrowReport> {
  const image = await inspect(path, options)
  const { driver, context } = await openDriver(options, options)
  await freeOrphans(directories(process.env).state, context.logger)
  return growDisk({ driver, context, image, clock, ...given(options) })
}
