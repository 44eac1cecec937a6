import type { DeployReport, ProbeReport } from '@host-deployer/api'
import type { Benchmark } from '../benchmark.ts'
import { runBuilt } from '../built-command.ts'
import { type Part, phaseParts } from '../phase-parts.ts'
import type { Place } from '../place.ts'

/** A deploy that was measured, for the chart. */
export interface DeployRun {
  readonly seconds: number
  readonly parts: readonly Part[]
}

export interface DeployBenchmark extends Benchmark {
  readonly measured: readonly DeployRun[]
}

interface DeployKind {
  /** The row of the whole deploy; `ROW.PHASE` are its phases. */
  readonly row: string
  readonly grow: boolean
  /** Which driver, and what it has to be told. */
  readonly driver: readonly string[]
  /** The step that a session of this kind has, to be sure that it is measured. */
  readonly step?: string
}

/** The demo's cloud-config on a fresh copy of the image. */
export function deployBenchmark(place: Place, { row, grow, driver, step }: DeployKind): DeployBenchmark {
  const measured: DeployRun[] = []
  const seed = grow ? place.seed : place.seedWithoutGrow
  const deploy = async (image: string) => runBuilt<DeployReport>(['deploy', image, '--seed', seed, ...driver])
  return {
    rows: [row],
    pace: 'ours',
    measured,
    warmUp: async () => deploy(await place.copy(row)),
    async run() {
      const { seconds, report } = await deploy(await place.copy(row))
      if (!report.changed) throw new Error('the deploy changed nothing')
      if (step !== undefined && !(`open.${step}` in report.timings))
        throw new Error(`this was no session with ${step}: ${JSON.stringify(report.diagnostics)}`)
      measured.push({ seconds, parts: phaseParts(seconds, report.timings) })
      const phases = Object.entries(report.timings).map(([phase, ms]) => [`${row}.${phase}`, ms / 1000])
      return { [row]: seconds, ...Object.fromEntries(phases) }
    },
  }
}

/** The same request on an image that has been deployed, and a look at it. */
export function unchangedBenchmark(place: Place): Benchmark {
  let image = ''
  const deploy = async () => runBuilt<DeployReport>(['deploy', image, '--seed', place.seed])
  return {
    rows: ['deployUnchanged', 'probe'],
    pace: 'ours',
    async warmUp() {
      image = await place.copy('deployed')
      await deploy()
      await runBuilt<ProbeReport>(['probe', image])
    },
    async run() {
      const again = await deploy()
      if (again.report.changed) throw new Error('the second deploy changed something')
      const probed = await runBuilt<ProbeReport>(['probe', image])
      if (probed.report.os.distro !== 'debian') throw new Error(`the probe saw ${probed.report.os.distro}`)
      return { deployUnchanged: again.seconds, probe: probed.seconds }
    },
  }
}
