import { setTimeout as delay } from 'node:timers/promises'
import { type AttachedDisk, DeployError, DriverError, type ToolHost } from '@host-deployer/driver-api'
import { findDisks } from './find-disks.ts'

const TIMEOUT_MS = 20_000
const POLL_MS = 300
/** Whoever makes device nodes there has had time by then. */
const MDEV_AFTER_MS = 2_000

// A node for each disk named and for each of its partitions.
const NODES = [
  '[ "$1" = mdev ] && mdev -s 2>/dev/null',
  'shift',
  'for d; do',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  '  n="${d#/dev/}"',
  '  for p in "/sys/block/$n" "/sys/block/$n/$n"*; do',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  '    if [ -d "$p" ] && [ ! -b "/dev/${p##*/}" ]; then echo "/dev/${p##*/}"; fi',
  '  done',
  'done',
].join('\n')

/**
 * The disks of the request in a stock appliance, by serial number, once they and their partitions have device nodes: modules are loaded and nodes made by
 * scripts of its own, in an order that is not ours. `DRIVER_DISK_NOT_FOUND`.
 */
export async function findStockDisks(
  { fs, exec }: ToolHost,
  ids: readonly [string, ...string[]],
): Promise<[AttachedDisk, ...AttachedDisk[]]> {
  const started = performance.now()
  for (;;) {
    const elapsed = performance.now() - started
    try {
      const disks = await findDisks(fs, ids)
      const mode = elapsed > MDEV_AFTER_MS ? 'mdev' : 'look'
      const { stdout } = await exec(['sh', '-c', NODES, 'sh', mode, ...disks.map(({ device }) => device)])
      const missing = Buffer.from(stdout).toString().trim()
      if (missing === '') return disks
      throw new DriverError('DRIVER_DISK_NOT_FOUND', `The stock appliance made no device nodes: ${missing.split('\n').join(', ')}`, {
        hint: 'It needs mdev or devtmpfs.',
        context: { ids, missing: missing.split('\n') },
      })
    } catch (error) {
      // A disk that is just being added may lack an attribute.
      const early = DeployError.isInstance(error) && (error.code === 'DRIVER_DISK_NOT_FOUND' || error.code.startsWith('FS_'))
      if (!early || elapsed > TIMEOUT_MS) throw error
      await delay(POLL_MS)
    }
  }
}
