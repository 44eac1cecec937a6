import { probe } from '@host-deployer/core'
import { inspectImage } from '@host-deployer/image'
import { cancellable } from '../cancellation.ts'
import { openDriver } from '../open-driver.ts'
import { showPhases } from '../show-phases.ts'
import { showProbe } from '../show-report.ts'
import { type ImageFlags, inspectFlags } from './image-flags.ts'

export async function probeCommand(path: string, flags: ImageFlags): Promise<void> {
  const image = await inspectImage(path, inspectFlags(flags))
  const report = await cancellable(flags.timeout, async (signal) => {
    const { driver, context } = await openDriver(flags, signal)
    return probe({
      driver,
      context,
      image,
      clock: () => performance.now(),
      ...(flags.rootDevice === undefined ? {} : { rootDevice: flags.rootDevice }),
      ...(flags.json ? {} : { onPhase: showPhases(process.stderr) }),
    })
  })
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : showProbe(report))
}
