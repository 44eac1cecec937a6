import { setTimeout as delay } from 'node:timers/promises'
import { type AttachedDisk, DeployError, DriverError, type ToolHost } from '@host-deployer/driver-api'
import { findDisks } from './find-disks.ts'

const TIMEOUT_MS = 20_000
const POLL_MS = 300
/** Whoever makes device nodes there has had time by then. */
const MDEV_AFTER_MS = 2_000

// Prints which disks and partitions have no node; has some made first when told to.
const NODES = [
  '[ "$1" = mdev ] && mdev -s 2>/dev/null',
  'for p in /sys/block/sd* /sys/block/sd*/sd*; do',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  '  if [ -d "$p" ] && [ ! -b "/dev/${p##*/}" ]; then echo "/dev/${p##*/}"; fi',
  'done',
].join('\n')

/**
 * The disks of the request in a stock appliance, by serial number, once they and their partitions have device nodes: modules are loaded and nodes made by
 * scripts of its own, in an order that is not ours. `DRIVER_DISK_NOT_FOUND`.
 */
export async function findStockDisks(
  { exec }: Pick<ToolHost, 'exec'>,
  ids: readonly [string, ...string[]],
): Promise<[AttachedDisk, ...AttachedDisk[]]> {
  const started = performance.now()
  for (;;) {
    const elapsed = performance.now() - started
    try {
      const mode = elapsed > MDEV_AFTER_MS ? 'mdev' : 'look'
      const { stdout } = await exec(['sh', '-c', NODES, 'sh', mode])
      const missing = Buffer.from(stdout).toString().trim()
      if (missing === '') return await findDisks({ exec }, ids, { isClone: false })
      throw new DriverError('DRIVER_DISK_NOT_FOUND', `The stock appliance made no device nodes: ${missing.split('\n').join(', ')}`, {
        hint: 'It needs mdev or devtmpfs.',
        context: { ids, missing: missing.split('\n') },
      })
    } catch (error) {
      const early = DeployError.isInstance(error) && error.code === 'DRIVER_DISK_NOT_FOUND'
      if (!early || elapsed > TIMEOUT_MS) throw error
      await delay(POLL_MS)
    }
  }
}
