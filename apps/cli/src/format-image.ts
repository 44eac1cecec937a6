import type { FormatReport, FormatRequest } from '@host-deployer/api'
import { checkFormatRequest, format as formatDisk } from '@host-deployer/core'
import { type ImageOptions, resolveImage, startPhases } from './image-options.ts'

export interface FormatImageOptions extends Omit<ImageOptions, 'rootDevice'> {
  readonly request: FormatRequest
  /** Format a disk that has something on it, too: all of it is lost. */
  readonly force?: boolean
}

/** Makes a disk with one file system of an image. Rejects with `DeployError`. See `format` of `@host-deployer/core`. */
export async function format(path: string, options: FormatImageOptions): Promise<FormatReport> {
  const { request, force } = options
  const phases = startPhases(options)
  await phases.run('parse', async () => checkFormatRequest(request))
  return formatDisk({ ...(await resolveImage(path, options, phases)), request, force: force === true })
}
