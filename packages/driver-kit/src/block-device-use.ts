import { readdir, readFile, readlink, rmdir, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { createLocalToolHost } from './local-tool-host.ts'

const quiet = <T>(action: Promise<T>, otherwise: T): Promise<T> => action.catch(() => otherwise)
const text = async (path: string): Promise<string> => (await quiet(readFile(path, 'utf8'), '')).trim()
const sysfs = '/sys/class/block'

/** Names of the kernel: the whole disk first, then its partitions. */
async function withPartitions(name: string): Promise<string[]> {
  const entries = await quiet(readdir(`${sysfs}/${name}`), [])
  return [name, ...entries.filter((entry) => entry.startsWith(name))]
}

/** What is stacked on a block device or its partitions, by the kernel's names: `dm-3`, `md127`. See sysfs-block in the kernel's documentation. */
export async function holdersOf(name: string): Promise<string[]> {
  const names = await withPartitions(name)
  return (await Promise.all(names.map((part) => quiet(readdir(`${sysfs}/${part}/holders`), [])))).flat()
}

/** Where there is no udev LVM makes the link /dev/GROUP/VOLUME itself, of which dmsetup knows nothing. Dashes within names are doubled in a mapping's. */
async function removeVolumeLink(mapping: string): Promise<void> {
  const [, group = '', volume = ''] = (/^((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(mapping) ?? []).map((name) => name.replaceAll('--', '-'))
  if (group === '' || volume === '') return
  const link = `/dev/${group}/${volume}`
  if (basename(await quiet(readlink(link), '')) !== mapping) return
  await quiet(unlink(link), undefined)
  await quiet(rmdir(`/dev/${group}`), undefined)
}

/** Images are attached like this; disks of the machine itself are not. */
const isAttached = (name: string): boolean => /^(nbd|loop)\d/.test(name)

/** Stops an md array. One that has disks of the machine itself, too, is not ours: of a guest that was cloned from it, say. */
async function stopArray(array: string): Promise<void> {
  const members = await quiet(readdir(`${sysfs}/${array}/slaves`), [])
  if (!members.every(isAttached)) return
  await quiet(createLocalToolHost().exec(['mdadm', '--stop', `/dev/${array}`], { timeoutMs: 20_000 }), undefined)
}

/**
 * Takes down the devices of device mapper and md on top of `name`, the topmost first: logical volumes that were activated by us, or volumes and arrays by the
 * host's udev behind our back. Best effort: who is in use stays, {@link describeUse} says by whom.
 */
export async function removeMappings(name: string): Promise<void> {
  const { exec } = createLocalToolHost()
  for (const holder of await holdersOf(name)) {
    await removeMappings(holder)
    if (/^md\d/.test(holder)) await stopArray(holder)
    const mapping = await text(`${sysfs}/${holder}/dm/name`)
    if (mapping === '') continue
    const removed = await quiet(exec(['dmsetup', 'remove', '--retry', '--', mapping], { timeoutMs: 20_000 }), undefined)
    if (removed?.exitCode === 0) await removeVolumeLink(mapping)
  }
}

interface ProcessView {
  readonly pid: string
  readonly namespace: string
}

async function processes(): Promise<ProcessView[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  return Promise.all(pids.map(async (pid) => ({ pid, namespace: await quiet(readlink(`/proc/${pid}/ns/mnt`), '') })))
}

async function mounts(numbers: readonly string[], paths: readonly string[]): Promise<string[]> {
  const seen = new Map((await processes()).filter(({ namespace }) => namespace !== '').map(({ pid, namespace }) => [namespace, pid]))
  const found: string[] = []
  for (const pid of seen.values()) {
    for (const line of (await text(`/proc/${pid}/mountinfo`)).split('\n')) {
      // proc(5): id, parent, major:minor, root, mount point, options, optional fields, a dash, type, source. btrfs has numbers of its own.
      const [fields = '', rest = ''] = line.split(' - ')
      const [, , number = '', , target = ''] = fields.split(' ')
      if (numbers.includes(number) || paths.includes(rest.split(' ')[1] ?? '')) found.push(`mounted at ${target} (seen by process ${pid})`)
    }
  }
  return found
}

async function openers(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    (await processes()).map(async ({ pid }) => {
      const numbers = await quiet(readdir(`/proc/${pid}/fd`), [])
      const targets = await Promise.all(numbers.map((number) => quiet(readlink(`/proc/${pid}/fd/${number}`), '')))
      return targets.some((target) => paths.includes(target)) ? [`open in process ${pid} (${await text(`/proc/${pid}/comm`)})`] : []
    }),
  )
  return found.flat()
}

/** Why a block device is busy: what is stacked on it, where it is mounted in any mount namespace, who has it open. One phrase each. */
export async function describeUse(name: string): Promise<string[]> {
  const names = await withPartitions(name)
  const paths = names.map((part) => `/dev/${part}`)
  const numbers = await Promise.all(names.map((part) => text(`${sysfs}/${part}/dev`)))
  const holders = await holdersOf(name)
  const stack = async (holder: string): Promise<string> => {
    const mapping = await text(`${sysfs}/${holder}/dm/name`)
    return mapping === '' ? `used by ${holder}` : `used by ${holder} (${mapping})`
  }
  const stacked = await Promise.all(holders.map(stack))
  return [...stacked, ...(await mounts(numbers.filter(Boolean), paths)), ...(await openers(paths))]
}
