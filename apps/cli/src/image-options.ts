import { createPhases, type PhaseEvent, type Phases } from '@host-deployer/core'
import type { ImageFormat } from '@host-deployer/driver-api'
import { inspectImage } from '@host-deployer/image'
import { directories } from './directories.ts'
import { freeOrphans } from './free-orphans.ts'
import { type DriverFlags, openDriver } from './open-driver.ts'

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
  /** Milliseconds by phase of what the caller did before; goes into the report. */
  readonly timingsBefore?: Readonly<Record<string, number>>
}

const clock = (): number => performance.now()

/** The phases of a command or call, from its first on. */
export const startPhases = ({ signal, onPhase, timingsBefore }: ImageOptions): Phases =>
  createPhases({ clock, signal, onPhase, timingsBefore })

/** Looks at the image and loads the driver: all that the functions of `core` have in common. */
export async function resolveImage(path: string, options: ImageOptions, phases: Phases) {
  const { format, allowPath, rootDevice, onPhase } = options
  const policy = { ...(allowPath === undefined ? {} : { allowPaths: allowPath }), ...(format === undefined ? {} : { format }) }
  return phases.run('resolve', async () => {
    const image = await inspectImage(path, policy)
    const { driver, context } = await openDriver(options, options)
    await freeOrphans(directories(process.env).state, context.logger)
    return {
      image,
      driver,
      context,
      clock,
      timingsBefore: phases.timings,
      ...(rootDevice === undefined ? {} : { rootDevice }),
      ...(onPhase === undefined ? {} : { onPhase }),
    }
  })
}
