import type { ImageFile, ImageFormat } from '@host-deployer/driver-api'

/** An image that has been looked at: its chain is resolved and allowed. `@host-deployer/image` makes one from a path. */
export interface ImageSource {
  readonly path: string
  readonly format: ImageFormat
  readonly virtualSizeBytes: number
  /** The image first, then what it is based on. */
  readonly chain: readonly [ImageFile, ...ImageFile[]]
}
