import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { type AttachedDisk, toolPath } from '@host-deployer/driver-api'
import type { BlockNode } from '../lsblk.ts'
import { parseLsblk } from '../lsblk.ts'
import type { Storage } from '../storage.ts'
import { diskFilesystems, toStorageDisk } from '../storage-from-lsblk.ts'

/** Output of real tools; the names say which version's. */
const at = (name: string) => readFileSync(new URL(`../__captured__/${name}`, import.meta.url))

export const captured = (name: string): string => at(name).toString('utf8')
export const capturedBytes = (name: string): Uint8Array => gunzipSync(at(name))

export function capturedNodes(name: string): readonly BlockNode[] {
  const nodes = parseLsblk(captured(name))
  if (nodes === undefined) throw new TypeError(`${name} is not lsblk's JSON`)
  return nodes
}

/** What a scan makes of captured output, LVM left out. */
export function capturedStorage(name: string, ...devices: string[]): Storage {
  const nodes = capturedNodes(name)
  const disks = devices.map((device, index): AttachedDisk => {
    const sizeBytes = nodes.find(({ path }) => path === device)?.sizeBytes ?? 0
    return { id: `disk${index}`, device: toolPath(device), sizeBytes, readOnly: false }
  })
  const found = disks.map((disk) => toStorageDisk(disk, nodes))
  const filesystems = found.flatMap((disk) => diskFilesystems(disk, nodes))
  return { disks: found, filesystems, physicalVolumes: [], volumeGroups: [], logicalVolumes: [], diagnostics: [] }
}
