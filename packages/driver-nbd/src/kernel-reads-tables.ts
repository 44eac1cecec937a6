import { access, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { LeaseJournal } from '@host-deployer/driver-api'
import { attachLoop, createResourceStack } from '@host-deployer/driver-kit'
import type { SessionPlace } from './session-place.ts'

const DISK_BYTES = 1024 * 1024

/** A disk with an MBR of one partition, as every kernel with any partition support reads it (its entry at 446, the signature at 510). */
function diskWithTable(): Uint8Array {
  const disk = new Uint8Array(DISK_BYTES)
  const view = new DataView(disk.buffer)
  view.setUint8(450, 0x83)
  view.setUint32(454, 8, true)
  view.setUint32(458, 8, true)
  view.setUint16(510, 0x55aa)
  return disk
}

/** Whether this machine's kernel makes nodes for the partitions of a loop device: tried on a small one, since nothing tells. */
export async function kernelReadsTables(place: SessionPlace, leases: LeaseJournal): Promise<boolean> {
  const file = `${place.directory}/host-deployer-${place.id}-table`
  await writeFile(place.fromOutside(file), diskWithTable())
  const stack = createResourceStack()
  try {
    const name = basename(await attachLoop({ exec: place.exec, leases }, { file, readOnly: true }, stack))
    return await access(`/sys/block/${name}/${name}p1`).then(
      () => true,
      () => false,
    )
  } finally {
    await stack.release()
  }
}
