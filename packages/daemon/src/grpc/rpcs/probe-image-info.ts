import type { ImageInfo, ProbeImageInfoPramas } from '@host-deployer/api/grpc'
import { imageOfDisk } from '../image-of-disk.ts'
import { type Handler, hasNoSystem } from '../rpc.ts'
import { imageInfoOf, noImageInfo } from '../wire-facts.ts'

/** What is on a disk; an empty answer for one without an operating system. Changes nothing. */
export const probeImageInfo: Handler<ProbeImageInfoPramas, ImageInfo> = async ({ disk_info: disk }, rpc) => {
  const image = imageOfDisk({ disk })
  try {
    const report = await rpc.run<'probe'>({ kind: 'probe', image })
    return imageInfoOf(report, report.diagnostics)
  } catch (error) {
    if (!hasNoSystem(error)) throw error
    return noImageInfo
  }
}
