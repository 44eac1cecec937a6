import type { FormatReport, FormatRequest } from '@host-deployer/api'
import { format as formatDisk } from '@host-deployer/core'
import { directories } from './directories.ts'
import { freeOrphans } from './free-orphans.ts'
import { clock, given, type ImageOptions, inspect } from './image-options.ts'
import { openDriver } from './open-driver.ts'

export interface FormatImageOptions extends Omit<ImageOptions, 'rootDevice'> {
  readonly request: FormatRequest
  /** Format a disk that has something on it, too: all of it is lost. */
  readonly force?: boolean
}

/** Makes a disk with one file system of an image. Rejects with `DeployError`. See `format` of `@host-deployer/core`. */
export async function format(path: string, options: FormatImageOptions): Promise<FormatReport> {
  const image = await inspect(path, options)
  const { driver, context } = await openDriver(options, options)
  await freeOrphans(directories(process.env).state, context.logger)
  return formatDisk({ driver, context, image, request: options.request, force: options.force === true, clock, ...given(options) })
}
