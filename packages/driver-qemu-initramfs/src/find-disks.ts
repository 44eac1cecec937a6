import { type AttachedDisk, DriverError, type RawFs, type ToolPath, toolPath } from '@host-deployer/driver-api'

type FoundDisk = Omit<AttachedDisk, 'id'> & { readonly serial: string }

// SCSI's vital product data page 0x80 (unit serial number): four bytes of header, then the text.
const SERIAL_OFFSET = 4
const MAX_ATTRIBUTE_BYTES = 4096
// sysfs counts in sectors of this size, whatever the disk's own.
const SECTOR_BYTES = 512

async function lookAt(fs: RawFs, name: string): Promise<FoundDisk> {
  const read = async (attribute: string): Promise<string> => {
    const bytes = await fs.readFile(toolPath(`/sys/block/${name}/${attribute}`), { maxBytes: MAX_ATTRIBUTE_BYTES })
    return Buffer.from(bytes).toString('latin1')
  }
  const [sectors, readOnly, page] = await Promise.all([read('size'), read('ro'), read('device/vpd_pg80')])
  return {
    device: `/dev/${name}` as ToolPath,
    sizeBytes: Number(sectors) * SECTOR_BYTES,
    readOnly: readOnly.trim() === '1',
    serial: page.slice(SERIAL_OFFSET).replace(/[\0 ]+$/, ''),
  }
}

/**
 * Where the disks of the request are in the VM, by serial number, in the order of `ids`. Disks given at start are there before anybody can
 * log in, see docs/appliance.md; the kernel names them as it pleases. `DRIVER_DISK_NOT_FOUND`.
 */
export async function findDisks(fs: RawFs, ids: readonly [string, ...string[]]): Promise<[AttachedDisk, ...AttachedDisk[]]> {
  const names = (await fs.readdir(toolPath('/sys/block'))).map(({ name }) => name).filter((name) => /^sd[a-z]+$/.test(name))
  const found = await Promise.all(names.map((name) => lookAt(fs, name)))
  const find = (id: string): AttachedDisk => {
    const disk = found.find(({ serial }) => serial === id)
    if (disk === undefined)
      throw new DriverError('DRIVER_DISK_NOT_FOUND', `The disk ${id} did not appear in the VM`, {
        hint: 'The appliance did not find its disks: build or install it again.',
        context: { id, found },
      })
    return { id, device: disk.device, sizeBytes: disk.sizeBytes, readOnly: disk.readOnly }
  }
  const [first, ...rest] = ids
  return [find(first), ...rest.map(find)]
}
