import type { Facts } from '@host-deployer/api'
import type { SaveToGlanceParams, SaveToGlanceResponse } from '@host-deployer/api/grpc'
import { imageOfDisk } from '../image-of-disk.ts'
import { type Handler, hasNoSystem, type Rpc } from '../rpc.ts'
import { osTypeOf, releaseOf } from '../wire-facts.ts'

/** Looks at a disk that becomes a template; with `compress` the identity goes. Succeeds with an empty answer without an operating system. */
export const saveToGlance: Handler<SaveToGlanceParams, SaveToGlanceResponse> = async (params, rpc) => {
  try {
    const { os } = await factsOf(params, rpc)
    return { os_info: osTypeOf(os), release_info: releaseOf(os) }
  } catch (error) {
    if (!hasNoSystem(error)) throw error
    return { os_info: '', release_info: null }
  }
}

async function factsOf({ disk_info: disk, compress }: SaveToGlanceParams, rpc: Rpc): Promise<Facts> {
  const image = imageOfDisk({ disk })
  if (!compress) return rpc.run<'probe'>({ kind: 'probe', image })
  const report = await rpc.run<'deploy'>({ kind: 'deploy', image, request: { seal: true, seed: {}, cloud_init: 'keep' } })
  return report.facts
}
