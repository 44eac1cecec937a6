import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { mountGuest, scanStorage } from '@host-deployer/block'
import { hostPath } from '@host-deployer/driver-api'
import { type Benchmark, timed } from '../benchmark.ts'
import { openDriver } from '../open-driver.ts'
import type { Place } from '../place.ts'

const root = join(import.meta.dirname, '..', '..')

/** The example is a project of its own, without dependencies installed: a copy below this package finds ours. */
async function exampleDriver(): Promise<string> {
  const copy = join(import.meta.dirname, '..', 'out', 'driver-qsd-fuse')
  await cp(join(root, 'examples', 'driver-qsd-fuse', 'src'), copy, { recursive: true })
  return join(copy, 'index.ts')
}

const drivers = {
  'qemu-initramfs': { load: async () => 'qemu-initramfs', options: {} },
  nbd: { load: async () => 'nbd', options: { trustImages: true } },
  'qsd-fuse': { load: exampleDriver, options: { trustImages: true } },
} as const

/** Open, scan, mount the guest read-only, unmount, close: in this process, through the driver's package. */
export function openMountCloseBenchmark(place: Place, name: keyof typeof drivers): Benchmark {
  const row = `openMountClose.${name}`
  async function measure(): Promise<Record<string, number>> {
    const { driver, context } = await openDriver(await drivers[name].load(), place.directory, drivers[name].options)
    const path = hostPath(await place.overlay(row))
    const chain = [
      { path, format: 'qcow2' },
      { path: hostPath(place.image), format: 'qcow2' },
    ] as const
    const { seconds } = await timed(async () => {
      await using session = await driver.open({ disks: [{ id: 'disk0', chain, access: 'read-write' }] }, context)
      const mounted = await mountGuest(session, await scanStorage(session.toolHost, session.disks, session.capabilities))
      await mounted.unmount()
    })
    return { [row]: seconds }
  }
  return { rows: [row], pace: 'ours', warmUp: measure, run: measure }
}
