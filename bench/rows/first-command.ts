import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { hostPath } from '@host-deployer/driver-api'
import type { Benchmark } from '../benchmark.ts'
import { openDriver } from '../open-driver.ts'
import type { Place } from '../place.ts'

/** When which child process of ours was made; the channel is Node's (`diagnostics_channel`, built-in channels). */
async function watchingSpawns<T>(work: (spawnOf: (isIt: (child: ChildProcess) => boolean) => number) => Promise<T>): Promise<T> {
  const spawned: { readonly child: ChildProcess; readonly at: number }[] = []
  const listen = (message: unknown): void => {
    spawned.push({ child: (message as { process: ChildProcess }).process, at: performance.now() })
  }
  subscribe('child_process', listen)
  try {
    return await work((isIt) => {
      const found = spawned.findLast(({ child }) => isIt(child))
      if (found === undefined) throw new Error('No such process was started')
      return found.at
    })
  } finally {
    unsubscribe('child_process', listen)
  }
}

// The one that has the machine, not one that is asked for its version.
const isVm = ({ spawnargs }: ChildProcess): boolean => spawnargs?.includes('-nodefaults') === true

/** From the spawn of QEMU to the result of the first command, `true`: as a clone, or by a boot. */
export function firstCommandBenchmark(place: Place, row: string, template: 'auto' | 'off'): Benchmark {
  async function measure(): Promise<number> {
    const { driver, context } = await openDriver('qemu-initramfs', place.directory, { template })
    return await watchingSpawns(async (spawnOf) => {
      const chain = [{ path: hostPath(place.image), format: 'qcow2' }] as const
      await using session = await driver.open({ disks: [{ id: 'disk0', chain, access: 'read-only' }] }, context)
      const { exitCode } = await session.toolHost.exec(['true'])
      const end = performance.now()
      if (exitCode !== 0) throw new Error(`true ended with ${exitCode}`)
      const isClone = 'restore' in session.info.timings
      if (isClone !== (template === 'auto')) throw new Error(`not what was to be measured: ${JSON.stringify(session.diagnostics)}`)
      return (end - spawnOf(isVm)) / 1000
    })
  }
  return {
    rows: [row],
    pace: 'ours',
    async warmUp() {
      // The first session makes the template and is no measurement.
      const { driver, context } = await openDriver('qemu-initramfs', place.directory, { template })
      await driver.prepare?.(context)
      if (template === 'auto') await measure()
    },
    run: async () => ({ [row]: await measure() }),
  }
}
