import { execFileSync, spawnSync } from 'node:child_process'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeployError, type DriverSession } from '@host-deployer/driver-api'
import { becomesTrue } from '@host-deployer/driver-kit'
import { isFree } from '@host-deployer/driver-testkit'
import { driver } from '../../../packages/driver-nbd/src/driver.ts'
import { createBed, requestOf, residueOf } from '../../../packages/driver-nbd/src/session.test-support.ts'

// What all that is tried in the machine starts from.

const MiB = 2 ** 20
export const options = { trustImages: true, attach: 'kernel', releaseTimeoutMs: 4_000 } as const
export const bed = await createBed(options)

export const host = (program: string, ...words: readonly string[]): string => execFileSync(program, words, { encoding: 'utf8' }).trim()
export const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'none',
    (error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)),
  )
export const openImage = (path: string): Promise<DriverSession> => driver.open(requestOf(path), bed.context)
export const freeImage = (path: string): Promise<boolean> => isFree({ path: requestOf(path).disks[0].chain[0].path, format: 'raw' })

export async function image(name: string): Promise<string> {
  const path = join(bed.directory, name)
  await writeFile(path, '')
  await truncate(path, 64 * MiB)
  return path
}

export async function ext4(name: string): Promise<string> {
  const path = await image(name)
  host('mkfs.ext4', '-q', '-F', path)
  return path
}

/** Nobody else works on this machine: whatever is attached, mapped or looped is left over. */
export async function residue(ids: readonly string[]): Promise<string[]> {
  const devices = (await readdir('/sys/block')).filter((name) => name.startsWith('nbd'))
  const attached = await Promise.all(
    devices.map(async (name) => {
      const pid = await readFile(`/sys/block/${name}/pid`, 'utf8').catch(() => '')
      const size = await readFile(`/sys/block/${name}/size`, 'utf8')
      return pid === '' && size.trim() === '0' ? [] : [`${name} ${pid.trim()} ${size.trim()}`]
    }),
  )
  const mapped = host('dmsetup', 'ls')
  const loops = host('losetup', '--noheadings', '--list', '--output', 'NAME,BACK-FILE')
  return [
    ...attached.flat(),
    ...(mapped.startsWith('No devices') ? [] : mapped.split('\n')),
    ...loops.split('\n').filter(Boolean),
    ...(await residueOf(bed, ids)),
  ]
}

/** The next session loads it again. */
export async function removeModule(): Promise<void> {
  // udev looks at new devices for a moment.
  const removed = await becomesTrue(async () => spawnSync('modprobe', ['--remove', 'nbd'], { stdio: 'ignore' }).status === 0, 15_000)
  if (!removed) throw new Error('the module nbd cannot be removed')
}
