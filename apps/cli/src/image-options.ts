import type { PhaseEvent } from '@host-deployer/core'
import type { ImageFormat } from '@host-deployer/driver-api'
import { type InspectedImage, inspectImage } from '@host-deployer/image'
import type { DriverFlags } from './open-driver.ts'

/** What `deploy` and `probe` have in common. */
export interface ImageOptions extends DriverFlags {
  /** The image's format, instead of detecting it from its header. */
  readonly format?: ImageFormat
  /** Directories that backing files may lie in, beside the image's own. */
  readonly allowPath?: readonly string[]
  /** Which file system is the root, when there are several: `/dev/sda2`, `UUID=...`. */
  readonly rootDevice?: string
  readonly signal?: AbortSignal
  readonly onPhase?: (event: PhaseEvent) => void
}

export function inspect(path: string, { format, allowPath }: ImageOptions): Promise<InspectedImage> {
  return inspectImage(path, { ...(allowPath === undefined ? {} : { allowPaths: allowPath }), ...(format === undefined ? {} : { format }) })
}

export const clock = (): number => performance.now()

export const given = ({ rootDevice, onPhase }: ImageOptions) => ({
  ...(rootDevice === undefined ? {} : { rootDevice }),
  ...(onPhase === undefined ? {} : { onPhase }),
})
