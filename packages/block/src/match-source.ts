import type { Filesystem, Storage, StorageDisk } from './storage.ts'

/** Undoes udev's escaping in `/dev/disk/by-label/my\x20disk`. */
const unescapeUdev = (name: string): string => {
  if (!name.includes('\\x')) return name
  const bytes = name.replaceAll(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => `%${hex}`)
  try {
    return decodeURIComponent(bytes)
  } catch {
    return name
  }
}

type Matcher = (filesystem: Filesystem) => boolean

const same = (left: string | null, right: string): boolean => left !== null && left.toLowerCase() === right.toLowerCase()

function byTag(tag: string, value: string): Matcher | undefined {
  if (value === '') return undefined
  switch (tag.toUpperCase()) {
    case 'UUID':
      return ({ uuid }) => same(uuid, value)
    case 'LABEL':
      return ({ label }) => label === value
    case 'PARTUUID':
      return ({ partUuid }) => same(partUuid, value)
    case 'PARTLABEL':
      return ({ partLabel }) => partLabel === value
    default:
      return undefined
  }
}

/** `/dev/sda1`, `/dev/nvme0n1p1`: which disk, counted from 0, and which partition; 0 for the disk itself. */
function kernelName(path: string): { disk: number; partition: number } | undefined {
  const letters = /^\/dev\/(?:sd|hd|vd|xvd)([a-z]{1,2})(\d{0,3})$/.exec(path)
  if (letters?.[1] !== undefined) {
    const disk = [...letters[1]].reduce((sum, letter) => sum * 26 + (letter.charCodeAt(0) - 96), 0) - 1
    return { disk, partition: Number(letters[2]) }
  }
  const numbered = /^\/dev\/(?:nvme(\d{1,3})n1|mmcblk(\d{1,3}))(?:p(\d{1,3}))?$/.exec(path)
  if (numbered === null) return undefined
  return { disk: Number(numbered[1] ?? numbered[2]), partition: Number(numbered[3] ?? 0) }
}

const nodeOf = (disk: StorageDisk | undefined, partition: number): string | undefined =>
  partition === 0 ? disk?.device : disk?.table?.partitions.find(({ number }) => number === partition)?.node

/**
 * The file systems that a source as fstab(5) writes it can mean. Kernel names are taken by the order of the disks and the number of the partition,
 * since the guest's letters are not ours. More than one: clones of each other, the caller has to choose. Pure.
 */
export function matchSource(storage: Storage, source: string): readonly Filesystem[] {
  const { filesystems } = storage
  const tag = /^([A-Za-z]+)=(.*)$/s.exec(source)
  if (tag?.[1] !== undefined && tag[2] !== undefined) {
    const matcher = byTag(tag[1], tag[2].replace(/^(["'])(.*)\1$/s, '$2'))
    return matcher === undefined ? [] : filesystems.filter(matcher)
  }
  const link = /^\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/([^/]+)$/.exec(source)
  if (link?.[1] !== undefined && link[2] !== undefined) {
    const matcher = byTag(link[1], unescapeUdev(link[2]))
    return matcher === undefined ? [] : filesystems.filter(matcher)
  }
  const volume = storage.logicalVolumes.find(({ device, mapperDevice }) => device === source || mapperDevice === source)
  if (volume !== undefined) return filesystems.filter(({ device }) => device === volume.device)
  const name = kernelName(source)
  if (name === undefined) return []
  const node = nodeOf(storage.disks[name.disk], name.partition)
  return filesystems.filter(({ device }) => device === node)
}
