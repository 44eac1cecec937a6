import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DeployReport } from '@host-deployer/api'
import type { CloneMemory } from '@host-deployer/e2e/lib/clone-memory'
import type { Benchmark } from '../benchmark.ts'
import { runBuilt } from '../built-command.ts'
import type { Place } from '../place.ts'
import { median } from '../statistics.ts'

/** Rows in bytes whose names begin so go to `memory`, in MiB. */
export const MEMORY = 'memory.'

const CLONES = 5
const driver = join(import.meta.dirname, '..', '..', 'e2e', 'lib', 'measuring-driver.ts')

async function deployMeasured(place: Place, index: number, meeting: string): Promise<CloneMemory> {
  const image = await place.overlay(`memory-${index}`)
  const args = ['deploy', image, '--seed', place.seed, '--driver', driver, '--allow-path', dirname(place.image)]
  const { stderr } = await runBuilt<DeployReport>(args, { HOST_DEPLOYER_MEASURE_TOGETHER: `${CLONES} ${meeting}` })
  const line = stderr.split('\n').find((text) => text.startsWith('{'))
  const said = JSON.parse(line ?? 'null') as { readonly isClone: boolean; readonly atEnd: CloneMemory } | null
  if (said?.isClone !== true) throw new Error(`no clone was measured: ${stderr}`)
  return said.atEnd
}

/** What each of five clones has of the machine's memory when the deploys of all are done and they are still there. Pages that several have count in parts. */
export function memoryBenchmark(place: Place): Benchmark {
  return {
    rows: ['memory'],
    pace: 'ours',
    async run() {
      const meeting = join(place.directory, 'memory-meeting')
      await rm(meeting, { recursive: true, force: true })
      await mkdir(meeting)
      const seen = await Promise.all(Array.from({ length: CLONES }, (_, index) => deployMeasured(place, index, meeting)))
      const of = (name: keyof CloneMemory): number => median(seen.map((memory) => memory[name]))
      return {
        [`${MEMORY}guestPages`]: of('guestProportionalBytes'),
        [`${MEMORY}guestCopied`]: of('guestCopiedBytes'),
        [`${MEMORY}guestShared`]: of('guestSharedBytes'),
        [`${MEMORY}qemuOwn`]: of('qemuBytes'),
        [`${MEMORY}qemuTranslated`]: of('translatedBytes'),
        [`${MEMORY}qemuShared`]: of('qemuSharedBytes'),
      }
    },
  }
}
