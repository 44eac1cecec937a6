import { join } from 'node:path'
import type { Driver, DriverContext } from '@host-deployer/driver-api'
import { loadDriver } from '@host-deployer/driver-loader'
import { openTestDriver } from './appliance.ts'
import { applianceDirectory } from './appliance-directory.ts'
import { installExample } from './example-driver.ts'

/** Drivers that work on a machine without modules, by the name they give themselves: ours, and those that somebody else wrote. */
export type DriverName = 'qemu-initramfs' | 'nbd' | 'qsd-fuse' | 'plain-js'

/** A driver that works here. */
export interface ReadyDriver {
  readonly driver: Driver
  /** The section of a configuration that it was loaded with. */
  readonly options: Readonly<Record<string, unknown>>
  readonly context: DriverContext<unknown>
}

const from = [join(import.meta.dirname, '..', '..', 'apps', 'cli')] as const
// The images of tests are our own.
const trusting = { trustImages: true }

/** Loads a driver as the command does: ours by name, an example by its path, which is put into `directory`. Throws when it does not work here. */
export async function readyDriver(name: DriverName, directory: string, more: ReadyDriver['options'] = {}): Promise<ReadyDriver> {
  const { context } = await openTestDriver()
  const [nameOrPath, usual] = await named(name, directory)
  const options = { ...usual, ...more }
  const loaded = await loadDriver(nameOrPath, { from, options })
  const { driver } = loaded
  const own = { ...context, options: loaded.options }
  const { usable, findings } = await driver.probe(own)
  if (!usable) throw new Error(`${driver.name} does not work here: ${JSON.stringify(findings.filter(({ ok }) => !ok))}`)
  return { driver, options, context: own }
}

async function named(name: DriverName, directory: string): Promise<readonly [nameOrPath: string, options: ReadyDriver['options']]> {
  if (name === 'qemu-initramfs') return [name, { appliance: applianceDirectory() }]
  if (name === 'nbd') return [name, { ...trusting, attach: 'fuse' }]
  return [await installExample(`driver-${name}`, directory), trusting]
}
