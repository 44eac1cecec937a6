import { cancellable } from '../cancellation.ts'
import type { ImageOptions } from '../image-options.ts'
import { probe } from '../probe-image.ts'
import { showPhases } from '../show-phases.ts'

interface ProbeFlags extends ImageOptions {
  readonly timeout?: number
  readonly json?: boolean
}

export async function probeCommand(path: string, flags: ProbeFlags): Promise<void> {
  const report = await cancellable(flags.timeout, (signal) =>
    probe(path, { ...flags, signal, ...(flags.json ? {} : { onPhase: showPhases(process.stderr) }) }),
  )
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : (await import('../show-report.ts')).showProbe(report))
}
