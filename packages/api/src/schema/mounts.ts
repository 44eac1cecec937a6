import * as z from 'zod'
import type { MountRequest } from '../request.ts'
import { integer, isGuestPath, line, present, text } from './scalars.ts'

/** One entry of `mounts` before the defaults are filled in; without a mount point it takes earlier entries of its device away. */
export interface MountEntry extends Partial<Omit<MountRequest, 'device'>> {
  readonly device: string
}

/** The last four fields of an entry that leaves them out. */
export type MountDefaults = Partial<Pick<MountRequest, 'type' | 'options' | 'dump' | 'pass'>>

const field = z.union([text, z.null()]).transform((value) => value ?? undefined)
const digit = integer(0, 9)

const isType = (value: string) => /^[A-Za-z0-9_.,-]{1,128}$/.test(value)
/** Data sources give devices these names; offline nobody knows which ones they are. */
const isMetaName = (value: string) => /^(ephemeral\d*|root\d*|swap\d*|ami)$/.test(value)
const isShortName = (value: string) => /^(x?[shv]d[a-z]+\d*|nvme\d+n\d+(p\d+)?|sr\d+|md\d+)$/.test(value)
const isTag = (value: string) => /^(UUID|LABEL|PARTUUID|PARTLABEL|ID)=.+$/.test(value)

/** `at` is the field; null is the whole entry. */
type Add = (at: number | null, message: string, code?: string) => void

/** `mounts` of cc_mounts: lists of up to six fields of fstab(5). `sdb1` is short for `/dev/sdb1`. */
export const mounts = z.array(z.union([z.array(field).min(1).max(6), z.null()])).transform((entries, context): MountEntry[] =>
  entries.flatMap((fields, index) => {
    if (fields === null) return []
    const add: Add = (at, message, code = 'INPUT_INVALID') =>
      context.addIssue({ code: 'custom', path: at === null ? [index] : [index, at], message, params: { code } })
    return [mountEntry(fields, add)]
  }),
)

/** `mount_default_fields`: six fields, of which the last four count, as in cloud-init. */
export const mountDefaults = z
  .array(field)
  .max(6)
  .transform(
    (fields, context): MountDefaults =>
      tailOf(fields, (at, message, code = 'INPUT_INVALID') =>
        context.addIssue({ code: 'custom', path: at === null ? [] : [at], message, params: { code } }),
      ),
  )

function mountEntry(fields: readonly (string | undefined)[], add: Add): MountEntry {
  const [name = '', mountpoint] = fields
  const device = isShortName(name) ? `/dev/${name}` : name
  if (mountpoint === undefined) return { device }
  const tail = tailOf(fields, add)
  if (name === '' || !line.safeParse(name).success) add(0, 'is not a device')
  else if (isMetaName(name))
    add(null, `${name} is a name that only a data source gives; use a path, UUID= or LABEL=`, 'INPUT_KEY_UNSUPPORTED')
  else if (!/[/=:]/.test(device) && tail.type === undefined)
    add(0, 'is neither a path nor UUID= or LABEL=; a file system without a device needs its type')
  else if (!device.startsWith('/') && device.includes('=') && !device.includes(':') && !isTag(device)) {
    add(0, 'is not one of UUID=, LABEL=, PARTUUID=, PARTLABEL= and ID=')
  }
  if (tail.type === 'swap') return { device, mountpoint: null, ...tail }
  if (!isGuestPath(mountpoint) || !line.safeParse(mountpoint).success) {
    add(1, 'is not a usable path: it has to be absolute, without ".."; only swap has none', 'INPUT_PATH_INVALID')
  }
  return { device, mountpoint, ...tail }
}

function tailOf([, , type, options, dump, pass]: readonly (string | undefined)[], add: Add): MountDefaults {
  if (type !== undefined && !isType(type)) add(2, 'is not the name of a file system')
  if (options !== undefined && (!/\S/.test(options) || !line.safeParse(options).success)) add(3, 'are not mount options')
  const number = (value: string | undefined, at: number) => {
    const result = digit.safeParse(value ?? 0)
    if (!result.success) add(at, 'expected a whole number from 0 to 9')
    return value === undefined ? undefined : (result.data ?? 0)
  }
  return present({ type, options, dump: number(dump, 4), pass: number(pass, 5) })
}

/**
 * The lines of fstab that are asked for. Defaults are cloud-init's, but for what is about the running cloud-init, which does not mount here: options
 * `defaults,nofail`, without `x-systemd.after=cloud-init...` and `_netdev`; no check at boot for what is not a device.
 */
export function mountRequests(entries: readonly MountEntry[], defaults: MountDefaults = {}): MountRequest[] {
  const requests: MountRequest[] = []
  for (const { device, mountpoint, ...given } of entries) {
    if (mountpoint === undefined) {
      for (let at = requests.length - 1; at >= 0; at--) if (requests[at]?.device === device) requests.splice(at, 1)
      continue
    }
    const swap = mountpoint === null
    const checked = !swap && (isTag(device) || device.startsWith('/dev/'))
    const own: MountDefaults = swap ? { type: 'swap', options: 'sw,nofail', pass: 0 } : defaults
    requests.push({ device, mountpoint, type: 'auto', options: 'defaults,nofail', dump: 0, pass: checked ? 2 : 0, ...own, ...given })
  }
  return requests
}
