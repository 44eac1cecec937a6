import type { ProbeReport } from '@host-deployer/api'
import { probe as probeGuest } from '@host-deployer/core'
import { type ImageOptions, resolveImage, startPhases } from './image-options.ts'

/** Finds out what is in an image, which stays byte for byte as it is. Rejects with `DeployError`. */
export async function probe(path: string, options: ImageOptions = {}): Promise<ProbeReport> {
  return probeGuest(await resolveImage(path, options, startPhases(options)))
}
