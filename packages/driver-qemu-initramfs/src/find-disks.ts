import { setTimeout as delay } from 'node:timers/promises'
import { type AttachedDisk, DeployError, DriverError, type RawFs, type ToolHost, type ToolPath, toolPath } from '@host-deployer/driver-api'

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

const PLUG_TIMEOUT_MS = 10_000
const PLUG_POLL_MS = 10

/**
 * The same in a clone, where disks appear some milliseconds after they were plugged in: waits for all of them and their partitions, and sets the clock.
 * `DRIVER_DISK_NOT_FOUND`.
 */
export async function findPluggedDisks(
  { fs, exec }: ToolHost,
  ids: readonly [string, ...string[]],
): Promise<[AttachedDisk, ...AttachedDisk[]]> {
  const deadline = performance.now() + PLUG_TIMEOUT_MS
  for (;;) {
    try {
      const disks = await findDisks(fs, ids)
      // Opening a disk waits until its partitions have been looked for.
      const script = 'date -us "@$1" >/dev/null || exit; shift; for disk; do : <"$disk" || exit; done'
      const argv = ['sh', '-c', script, 'sh', String(Date.now() / 1000), ...disks.map(({ device }) => device)] as const
      const { exitCode, stderr } = await exec(argv, { timeoutMs: PLUG_TIMEOUT_MS })
      if (exitCode === 0) return disks
      throw new DriverError('DRIVER_DISK_NOT_FOUND', `A disk cannot be opened in the VM: ${Buffer.from(stderr).toString().trim()}`)
    } catch (error) {
      // A disk that is just being added may lack an attribute, or its node.
      const early = DeployError.isInstance(error) && (error.code === 'DRIVER_DISK_NOT_FOUND' || error.code.startsWith('FS_'))
      if (!early || performance.now() > deadline) throw error
      await delay(PLUG_POLL_MS)
    }
  }
}
