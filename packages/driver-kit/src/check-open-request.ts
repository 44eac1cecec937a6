import { InputError, type OpenRequest } from '@host-deployer/driver-api'

/** Refuses disk ids that `DiskRequest.id` does not allow, and one used twice: `INPUT_DISK_ID`. For the first line of a driver's `open`. */
export function checkOpenRequest({ disks }: OpenRequest): void {
  const seen = new Set<string>()
  for (const { id } of disks) {
    if (!/^[a-z0-9-]{1,20}$/.test(id) || seen.has(id)) {
      throw new InputError('INPUT_DISK_ID', `Disk ids are 1 to 20 of a-z, 0-9 and -, each used once; not ${JSON.stringify(id)}`)
    }
    seen.add(id)
  }
}
