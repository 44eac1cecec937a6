import type { FormatReport, FormatRequest } from '@host-deployer/api'
import type { NewFilesystem } from '@host-deployer/block'
import { checkFormatRequest } from './check-format-request.ts'
import { createPhases, type PhaseEvent } from './phases.ts'
import { prefixed } from './probe.ts'
import { reportVersion } from './report-version.ts'
import { type SessionTarget, withSession } from './with-session.ts'

export interface FormatOptions<Options> extends SessionTarget<Options> {
  readonly request: FormatRequest
  /** Format a disk that has something on it, too: all of it is lost. Default: `BLOCK_NOT_EMPTY`. */
  readonly force?: boolean | undefined
  /** Monotonic milliseconds, `performance.now`. */
  readonly clock: () => number
  readonly onPhase?: ((event: PhaseEvent) => void) | undefined
}

/**
 * Makes the disk in an image a GPT with one partition that holds the file system asked for. A request that is wrong, a disk that is not empty (without
 * `force`) and one that is too small leave the image byte for byte as it was.
 *
 * Rejects with `DeployError`: `INPUT_FORMAT_*`, `BLOCK_NOT_EMPTY`, `BLOCK_DISK_TOO_SMALL`, `BLOCK_DISK_READ_ONLY`, `BLOCK_FORMAT_FAILED`,
 * `CAPABILITY_FILESYSTEM_TOOL`, and what a driver rejects with. Nothing stays running or locked afterwards.
 */
export async function format<Options>(options: FormatOptions<Options>): Promise<FormatReport> {
  const { driver, context, image, request, force = false } = options
  checkFormatRequest(request)
  const phases = createPhases({ ...options, signal: context.signal })
  return withSession(options, 'read-write', phases, async (session): Promise<FormatReport> => {
    const { formatDisk } = await import('@host-deployer/block')
    const [disk] = session.disks
    const made = await phases.run('commit', () => formatDisk(session, disk, newFilesystem(request), { force }))
    await phases.run('close', () => session.close())
    const { device, type, label, uuid, sizeBytes } = made
    return {
      schemaVersion: reportVersion,
      driver: driver.name,
      accelerator: session.info.accelerator,
      image: { path: image.path, format: image.format, virtualSizeBytes: image.virtualSizeBytes },
      filesystem: { device, type, label, uuid, sizeBytes, mountpoint: null },
      diagnostics: session.diagnostics,
      timings: { ...prefixed('open', session.info.timings), ...phases.timings },
    }
  })
}

const newFilesystem = (request: FormatRequest): NewFilesystem => ({
  type: request.filesystem,
  uuid: request.uuid?.toLowerCase(),
  label: request.label,
  caseInsensitive: request.case_insensitive,
  reservedPercent: request.reserved_blocks_percentage,
  overprovisionPercent: request.overprovision_ratio_percentage,
  thresholds: request.ext4_thresholds,
})
