import type { DeployRequest } from '@host-deployer/api'
import type { GrowRequest } from '@host-deployer/block'
import type { Diagnostic } from '@host-deployer/driver-api'
import { type GuestFs, guestPath } from '@host-deployer/guest-fs'

const disabledFlag = guestPath('/etc/growroot-disabled')

export interface RequestedGrowth extends GrowRequest {
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * What of the root the request wants to grow. As cloud-init's growpart: only when `devices` has `/` in it, and not in an image with
 * `/etc/growroot-disabled`, unless `ignore_growroot_disabled` (`GROW_DISABLED`). The file system follows the partition where `resize_rootfs` is not given.
 * A delegated request is no exception: what has grown is only found grown by the cloud-init inside the image.
 */
export async function requestedGrowth(fs: GuestFs, { growpart, resize_rootfs }: DeployRequest): Promise<RequestedGrowth> {
  const wanted = growpart !== undefined && growpart.mode !== 'off' && growpart.devices.includes('/')
  const disabled = wanted && !growpart.ignore_growroot_disabled && (await fs.exists(disabledFlag))
  return {
    partition: wanted && !disabled,
    filesystem: resize_rootfs ?? wanted,
    diagnostics: disabled
      ? [
          {
            severity: 'warning',
            code: 'GROW_DISABLED',
            summary: 'The image asks for its root partition not to be grown',
            path: disabledFlag,
          },
        ]
      : [],
  }
}
