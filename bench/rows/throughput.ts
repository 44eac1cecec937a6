import { dirname } from 'node:path'
import type { DeployReport } from '@host-deployer/api'
import { type Benchmark, timed } from '../benchmark.ts'
import { runBuilt } from '../built-command.ts'
import type { Place } from '../place.ts'

/** So many images deployed one after the other, and again with five commands at a time. Rows are named after the twenty that count; `--quick` takes fewer. */
export function throughputBenchmark(place: Place, images: number): Benchmark {
  async function deployAll(atATime: number): Promise<number> {
    const paths = await Promise.all(Array.from({ length: images }, (_, index) => place.overlay(`throughput-${index}`)))
    const { seconds } = await timed(async () => {
      const waiting = [...paths]
      const worker = async (): Promise<void> => {
        for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
          const { report } = await runBuilt<DeployReport>(['deploy', path, '--seed', place.seed, '--allow-path', dirname(place.image)])
          if (!report.changed) throw new Error(`${path} was not changed`)
        }
      }
      await Promise.all(Array.from({ length: atATime }, worker))
    })
    return seconds
  }
  return {
    rows: ['twentyDeploysOneByOne', 'twentyDeploysFiveAtATime'],
    pace: 'slow',
    async run() {
      const twentyDeploysOneByOne = await deployAll(1)
      return { twentyDeploysOneByOne, twentyDeploysFiveAtATime: await deployAll(5) }
    },
  }
}
