import { parseRequest } from '@host-deployer/api'
import { cancellable } from '../cancellation.ts'
import { deploy } from '../deploy-image.ts'
import type { ImageOptions } from '../image-options.ts'
import { showPhases } from '../show-phases.ts'

interface SealFlags extends ImageOptions {
  readonly dryRun?: boolean
  readonly timeout?: number
  readonly json?: boolean
}

/** A deploy of nothing but `seal`. */
export async function sealCommand(path: string, flags: SealFlags): Promise<void> {
  const { request, diagnostics } = parseRequest({})
  const { report, diff } = await cancellable(flags.timeout, (signal) =>
    deploy(path, {
      ...flags,
      request: { request: { ...request, seal: true }, diagnostics },
      signal,
      ...(flags.json ? {} : { onPhase: showPhases(process.stderr) }),
    }),
  )
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : (await import('../show-report.ts')).showDeploy(report, diff))
}
