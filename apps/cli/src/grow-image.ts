import type { GrowReport } from '@host-deployer/api'
import { grow as growDisk } from '@host-deployer/core'
import { type ImageOptions, resolveImage, startPhases } from './image-options.ts'

/** Lets what is on a disk fill it; `rootDevice` is what grows. Rejects with `DeployError`. See `grow` of `@host-deployer/core`. */
export async function grow(path: string, options: ImageOptions = {}): Promise<GrowReport> {
  return growDisk(await resolveImage(path, options, startPhases(options)))
}
