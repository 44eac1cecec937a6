import { setTimeout as delay } from 'node:timers/promises'
import { type AttachedDisk, DriverError, type ToolHost, type ToolPath } from '@host-deployer/driver-api'

export interface FoundDisk extends Omit<AttachedDisk, 'id'> {
  readonly serial: string
}

// Opening a disk waits until its partitions have been looked for. A plugged one that is just being added may lack its node or an attribute.
const SCRIPT = `[ -z "$1" ] || date -us "@$1" >/dev/null || exit 2
for disk in /sys/block/sd*; do
  name=\${disk##*/}
  : <"/dev/$name" && read -r sectors <"$disk/size" && read -r readonly <"$disk/ro" || exit 1
  echo "$name $sectors $readonly"
done
echo
exec cat /sys/block/sd*/device/vpd_pg80`

// sysfs counts in sectors of this size, whatever the disk's own.
const SECTOR_BYTES = 512
// SCSI's vital product data page 0x80 (unit serial number): device type, page code, length as a big-endian number of two bytes, then the text.
const PAGE_HEADER_BYTES = 4
const PAGE_LENGTH_OFFSET = 2

/** Reads what the script prints: a line for each disk, an empty one, then their pages 0x80 in the same order. Pure. */
export function parseFoundDisks(output: Uint8Array): FoundDisk[] {
  const bytes = Buffer.from(output.buffer, output.byteOffset, output.byteLength)
  const end = bytes.indexOf('\n\n', 0, 'latin1')
  if (end === -1) return []
  const lines = bytes.toString('latin1', 0, end).split('\n')
  let at = end + 2
  return lines.flatMap((line) => {
    const [, name, sectors, readOnly] = /^(sd[a-z]+) (\d+) ([01])$/.exec(line) ?? []
    if (name === undefined || at + PAGE_HEADER_BYTES > bytes.length) return []
    const start = at + PAGE_HEADER_BYTES
    at = start + bytes.readUInt16BE(at + PAGE_LENGTH_OFFSET)
    const serial = bytes.toString('latin1', start, at).replace(/[\0 ]+$/, '')
    return [{ device: `/dev/${name}` as ToolPath, sizeBytes: Number(sectors) * SECTOR_BYTES, readOnly: readOnly === '1', serial }]
  })
}

type Ids = readonly [string, ...string[]]

/** The disks in the order of `ids`, or the id of the first that is not there. */
function inOrder([first, ...rest]: Ids, found: readonly FoundDisk[]): [AttachedDisk, ...AttachedDisk[]] | string {
  const find = (id: string): AttachedDisk | string => {
    const disk = found.find(({ serial }) => serial === id)
    return disk === undefined ? id : { id, device: disk.device, sizeBytes: disk.sizeBytes, readOnly: disk.readOnly }
  }
  const disks: [AttachedDisk | string, ...(AttachedDisk | string)[]] = [find(first), ...rest.map(find)]
  return disks.find((disk) => typeof disk === 'string') ?? (disks as [AttachedDisk, ...AttachedDisk[]])
}

const PLUG_TIMEOUT_MS = 10_000
const PLUG_POLL_MS = 10

export interface FindOptions {
  /** The VM is a clone: its disks were plugged in while it ran, so they may take some milliseconds, and its clock has to be set. */
  readonly isClone: boolean
}

/**
 * Where the disks of the request are in the VM, by serial number, in the order of `ids`; the kernel names them as it pleases. Disks given at start are
 * there before anybody can log in, see docs/appliance.md. `DRIVER_DISK_NOT_FOUND`.
 */
export async function findDisks(
  { exec }: Pick<ToolHost, 'exec'>,
  ids: Ids,
  { isClone }: FindOptions,
): Promise<[AttachedDisk, ...AttachedDisk[]]> {
  const deadline = performance.now() + (isClone ? PLUG_TIMEOUT_MS : 0)
  for (;;) {
    const now = isClone ? String(Date.now() / 1000) : ''
    const { stdout, stderr } = await exec(['sh', '-c', SCRIPT, 'sh', now], { timeoutMs: PLUG_TIMEOUT_MS })
    const found = parseFoundDisks(stdout)
    const disks = inOrder(ids, found)
    if (typeof disks !== 'string') return disks
    if (performance.now() > deadline) {
      throw new DriverError('DRIVER_DISK_NOT_FOUND', `The disk ${disks} did not appear in the VM`, {
        hint: 'The appliance did not find its disks: build or install it again.',
        context: { id: disks, found, said: Buffer.from(stderr).toString().trim() },
      })
    }
    await delay(PLUG_POLL_MS)
  }
}
