import { dirname, join } from 'node:path'
import type { DeployReport } from '@host-deployer/api'
import type { CloneMemory } from '@host-deployer/e2e/lib/clone-memory'
import type { Benchmark } from '../benchmark.ts'
import { runBuilt } from '../built-command.ts'
import type { Place } from '../place.ts'

/** Rows in bytes whose names begin so go to `memory`, in MiB. */
export const MEMORY = 'memory.'

const driver = join(import.meta.dirname, '..', '..', 'e2e', 'lib', 'measuring-driver.ts')

/** What a clone has of the machine's memory when its deploy is done and it is still there. */
export function memoryBenchmark(place: Place): Benchmark {
  return {
    rows: ['memory'],
    pace: 'ours',
    async run() {
      const image = await place.overlay('memory')
      const allow = ['--allow-path', dirname(place.image)]
      const { stderr } = await runBuilt<DeployReport>(['deploy', image, '--seed', place.seed, '--driver', driver, ...allow])
      const line = stderr.split('\n').find((text) => text.startsWith('{'))
      const said = JSON.parse(line ?? 'null') as { readonly isClone: boolean; readonly atEnd: CloneMemory } | null
      if (said?.isClone !== true) throw new Error(`no clone was measured: ${stderr}`)
      const { guestBytes, guestSharedBytes, qemuBytes, translatedBytes, qemuSharedBytes } = said.atEnd
      return {
        [`${MEMORY}guestPages`]: guestBytes,
        [`${MEMORY}guestShared`]: guestSharedBytes,
        [`${MEMORY}qemuOwn`]: qemuBytes,
        [`${MEMORY}qemuTranslated`]: translatedBytes,
        [`${MEMORY}qemuShared`]: qemuSharedBytes,
      }
    },
  }
}
