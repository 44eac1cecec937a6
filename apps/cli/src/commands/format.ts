import type { FormatReport, FormatRequest } from '@host-deployer/api'
import pc from 'picocolors'
import { cancellable } from '../cancellation.ts'
import { format } from '../format-image.ts'
import type { ImageOptions } from '../image-options.ts'
import { showDiagnostics } from '../show-diagnostics.ts'
import { showPhases } from '../show-phases.ts'

interface FormatFlags extends Omit<ImageOptions, 'rootDevice'> {
  readonly filesystem: FormatRequest['filesystem']
  readonly uuid?: string
  readonly label?: string
  readonly caseInsensitive?: boolean
  readonly reservedBlocks?: number
  readonly overprovision?: number
  readonly force?: boolean
  readonly timeout?: number
  readonly json?: boolean
}

export async function formatCommand(path: string, flags: FormatFlags): Promise<void> {
  const request: FormatRequest = {
    filesystem: flags.filesystem,
    ...(flags.uuid === undefined ? {} : { uuid: flags.uuid }),
    ...(flags.label === undefined ? {} : { label: flags.label }),
    ...(flags.caseInsensitive === true ? { case_insensitive: true } : {}),
    ...(flags.reservedBlocks === undefined ? {} : { reserved_blocks_percentage: flags.reservedBlocks }),
    ...(flags.overprovision === undefined ? {} : { overprovision_ratio_percentage: flags.overprovision }),
  }
  const report = await cancellable(flags.timeout, (signal) =>
    format(path, { ...flags, request, signal, ...(flags.json ? {} : { onPhase: showPhases(process.stderr) }) }),
  )
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : show(report))
}

function show({ image, filesystem: { device, type, label, uuid, sizeBytes }, diagnostics }: FormatReport): string {
  const name = [label === null ? '' : `LABEL=${label}`, uuid === null ? '' : `UUID=${uuid}`].filter(Boolean).join(' ')
  const made = `${type} of ${(sizeBytes / 2 ** 30).toFixed(2)} GiB on ${device} of ${image.path} ${pc.dim(name)}`
  return `${[...showDiagnostics(diagnostics), '', `${pc.green('done')}: ${made}`].join('\n')}\n`
}
