import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const read = (path: string): Promise<string> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '',
  )

/**
 * The nbd devices that something is attached to, each with the process that did it, as far as the kernel says: `pid` is there while one is attached, and
 * `size` is not zero (drivers/block/nbd.c). `sysBlock` is where sysfs shows block devices.
 */
export async function attachedNbd(sysBlock = '/sys/block'): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(sysBlock).catch(() => [])).filter((name) => /^nbd\d+$/.test(name)).sort()
  const devices = await Promise.all(
    names.map(async (name) => {
      const [pid, size] = await Promise.all([read(join(sysBlock, name, 'pid')), read(join(sysBlock, name, 'size'))])
      return { name, pid, attached: pid !== '' || !/^0?$/.test(size) }
    }),
  )
  return new Map(devices.flatMap(({ name, pid, attached }) => (attached ? [[name, pid] as const] : [])))
}
