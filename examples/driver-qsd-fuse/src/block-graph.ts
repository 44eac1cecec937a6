import type { DiskRequest } from '@host-deployer/driver-api'

export interface ExportedDisk {
  readonly disk: DiskRequest
  /** QEMU's driver for each file of the chain. */
  readonly fileDrivers: readonly string[]
  /** An empty qcow2 image that takes the writes of a `scratch` disk. */
  readonly overlay?: string
  /** The file that the disk is to appear as. */
  readonly mountpoint: string
}

/** Pure. The options of qemu-storage-daemon(1) that show disks as files. Formats are said and backing files given by us: QEMU finds out nothing. */
export function blockGraph(disks: readonly ExportedDisk[]): string[] {
  return disks.flatMap(({ disk, fileDrivers, overlay, mountpoint }, number) => {
    const files: { driver: string; path: string; format: string }[] = disk.chain.map(({ path, format }, index) => {
      return { driver: fileDrivers[index] ?? 'file', path, format }
    })
    if (overlay !== undefined) files.unshift({ driver: 'file', path: overlay, format: 'qcow2' })
    const image = files.reduceRight<object | null>((backing, { driver, path, format }, index) => {
      const access = { 'read-only': index > 0 || disk.access === 'read-only' }
      const file = { driver, filename: path, ...access }
      // An export lets others write, too. This node, which injects faults when asked to, does not: so the image is locked.
      const locked = { driver: 'blkdebug', image: file, 'unshare-child-perms': ['write', 'resize'], ...access }
      return { driver: format, file: index === 0 ? locked : file, ...access, ...(format === 'raw' ? {} : { backing }) }
    }, null)
    const writable = disk.access !== 'read-only'
    const fuse = { type: 'fuse', id: `export${number}`, 'node-name': `disk${number}`, mountpoint, writable, 'allow-other': 'off' }
    return ['--blockdev', JSON.stringify({ 'node-name': `disk${number}`, ...image }), '--export', JSON.stringify(fuse)]
  })
}
