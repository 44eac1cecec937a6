import type { GrowReport } from '@host-deployer/api'
import pc from 'picocolors'
import { cancellable } from '../cancellation.ts'
import { grow } from '../grow-image.ts'
import type { ImageOptions } from '../image-options.ts'
import { showDiagnostics } from '../show-diagnostics.ts'
import { showGrown } from '../show-grown.ts'
import { showPhases } from '../show-phases.ts'

interface GrowFlags extends ImageOptions {
  readonly timeout?: number
  readonly json?: boolean
}

export async function growCommand(path: string, flags: GrowFlags): Promise<void> {
  const report = await cancellable(flags.timeout, (signal) =>
    grow(path, { ...flags, signal, ...(flags.json ? {} : { onPhase: showPhases(process.stderr) }) }),
  )
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : show(report))
}

function show({ image, changed, steps, diagnostics }: GrowReport): string {
  const lines = showGrown(steps)
  const outcome = changed
    ? `${pc.green('done')}: ${image.path} fills its disk`
    : `${pc.green('unchanged')}: nothing of ${image.path} was enlarged, nothing was written`
  return `${[...(lines.length > 0 ? ['', ...lines] : []), ...showDiagnostics(diagnostics), '', outcome].join('\n')}\n`
}
