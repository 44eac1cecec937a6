import { type AttachedDisk, DriverError, type ToolHost, toolPath } from '@host-deployer/driver-api'
import type { OpenedDisk } from './open-images.ts'

// Serial numbers are on SCSI's vital product data page 0x80, after four bytes; sizes in sysfs are in sectors of 512 bytes. Disks given at start are
// there before anybody can log in, see docs/appliance.md.
const SCRIPT = `
cd /sys/block
for disk in sd*; do
  read -r size <"$disk/size" || continue
  read -r ro <"$disk/ro"
  echo "$disk $size $ro $(tail -c +5 "$disk/device/vpd_pg80")"
done`

/** Parses the lines `NAME SECTORS READ-ONLY SERIAL` of the script above. */
export function parseDiskList(text: string): Map<string, Omit<AttachedDisk, 'id'>> {
  const found = new Map<string, Omit<AttachedDisk, 'id'>>()
  for (const line of text.split('\n')) {
    const match = /^(sd[a-z]+) (\d+) ([01]) (\S+)\s*$/.exec(line)
    if (match === null) continue
    const [, name = '', sectors = '', readOnly = '', serial = ''] = match
    found.set(serial, { device: toolPath(`/dev/${name}`), sizeBytes: Number(sectors) * 512, readOnly: readOnly === '1' })
  }
  return found
}

/** Where the disks of the request are in the VM, by serial number. `DRIVER_DISK_NOT_FOUND`. */
export async function findDisks(toolHost: ToolHost, disks: readonly OpenedDisk[]): Promise<[AttachedDisk, ...AttachedDisk[]]> {
  const result = await toolHost.exec(['sh', '-c', SCRIPT], { timeoutMs: 60_000 })
  const output = Buffer.from(result.stdout).toString()
  const found = parseDiskList(output)
  return disks.map(({ id }) => {
    const disk = found.get(id)
    if (disk !== undefined) return { id, ...disk }
    throw new DriverError('DRIVER_DISK_NOT_FOUND', `The disk ${id} did not appear in the VM`, { context: { disk: id, output } })
  }) as [AttachedDisk, ...AttachedDisk[]]
}
