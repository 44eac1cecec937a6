import type { FormatRequest } from '@host-deployer/api'
import type { Empty, FormatFsParams } from '@host-deployer/api/grpc'
import { InputError } from '@host-deployer/driver-api'
import type { DaemonConfig } from '../../config/daemon-config.ts'
import { imageOfDisk } from '../image-of-disk.ts'
import { notImplemented } from '../not-implemented.ts'
import type { Handler } from '../rpc.ts'

/** Makes one partition with an empty file system of the whole disk. Success means that it is there. */
export const formatFs: Handler<FormatFsParams, Empty> = async (params, rpc) => {
  const image = imageOfDisk({ disk: params.disk_info })
  await rpc.run<'format'>({ kind: 'format', image, request: requestOfFormat(params, rpc.config) })
  return {}
}

const gib = 1024 ** 3

/** `INPUT_INVALID`; `DAEMON_NOT_IMPLEMENTED` for file systems of the field that are not there yet. Absent features, and percentages of 0, leave it to the tool. */
export function requestOfFormat(
  { fs_format: filesystem, uuid, fs_features: features }: FormatFsParams,
  config: Pick<DaemonConfig, 'ext4HugefileSizeGib' | 'ext4LargefileSizeGib'>,
): FormatRequest {
  if (/^(fat|vfat|msdos|exfat|ntfs|btrfs|ext4dev)/.test(filesystem)) throw notImplemented('file systems other than ext, xfs, f2fs and swap')
  if (!isFilesystem(filesystem)) throw invalid('fs_format', 'is not one of ext2, ext3, ext4, xfs, f2fs and swap')
  if (uuid !== '' && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)) throw invalid('uuid', 'is not a UUID')
  const base = { filesystem, ...(uuid !== '' && { uuid: uuid.toLowerCase() }) }
  if (filesystem === 'ext4') {
    const percent = features?.ext4?.ReservedBlocksPercentage ?? 0
    if (percent < 0 || percent > 50) throw invalid('fs_features.ext4.ReservedBlocksPercentage', 'is not from 0 to 50')
    return {
      ...base,
      ...(features?.ext4?.CaseInsensitive === true && { case_insensitive: true }),
      ...(percent !== 0 && { reserved_blocks_percentage: percent }),
      ext4_thresholds: { hugeBytes: config.ext4HugefileSizeGib * gib, largefileBytes: config.ext4LargefileSizeGib * gib },
    }
  }
  if (filesystem === 'f2fs') {
    const percent = features?.f2fs?.OverprovisionRatioPercentage ?? 0
    if (percent < 0 || percent > 99) throw invalid('fs_features.f2fs.OverprovisionRatioPercentage', 'is not from 0 to 99')
    return {
      ...base,
      ...(features?.f2fs?.CaseInsensitive === true && { case_insensitive: true }),
      ...(percent !== 0 && { overprovision_ratio_percentage: percent }),
    }
  }
  return base
}

const filesystems: readonly string[] = ['ext2', 'ext3', 'ext4', 'xfs', 'f2fs', 'swap'] satisfies FormatRequest['filesystem'][]
const isFilesystem = (name: string): name is FormatRequest['filesystem'] => filesystems.includes(name)

const invalid = (path: string, problem: string) =>
  new InputError('INPUT_INVALID', `${path}: ${problem}`, { hint: 'Correct the field.', context: { path } })
