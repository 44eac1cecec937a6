import { isAbsolute } from 'node:path'
import { booleanOf, wholeNumberOf } from './convert-text.ts'
import { isAddress, isIpv4Network, type SettingName } from './settings.ts'

/** What a key of host.conf means to us. */
export interface FieldKey {
  /** One of the shared host options, which `common_config_file` replaces as a whole; the others are not read from that file. */
  readonly shared: boolean
  readonly target:
    | { readonly kind: 'setting'; readonly name: Exclude<SettingName, 'driver' | 'driverOptions' | 'imageRoots'> }
    | { readonly kind: 'driver' }
    | { readonly kind: 'memory' }
    | { readonly kind: 'roots' }
    /** Names another file to read. */
    | { readonly kind: 'file' }
    /** Taken without an effect yet. */
    | { readonly kind: 'nothing' }
  /** A list is collected from all files, as in the field. */
  readonly list?: true
  /** The field's value as ours; throws {@link NotConvertible}. */
  convert(value: unknown): unknown
}

/** `message` says what the value should have been. */
export class NotConvertible extends Error {
  readonly code: string

  constructor(message: string, code = 'CONFIG_INVALID') {
    super(message)
    this.code = code
  }
}

const text = (value: unknown): string => {
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new NotConvertible('takes a text')
}

const path = (value: unknown): string => {
  const given = text(value)
  if (given === '') throw new NotConvertible('is empty; it takes an absolute path')
  if (!isAbsolute(given) || given.includes('\0')) throw new NotConvertible('is not an absolute path')
  return given
}

/** Empty means that there is no such file. */
const file = (value: unknown): string => (value === null ? '' : text(value))

const whole =
  (minimum: number, maximum: number) =>
  (value: unknown): number => {
    const number = wholeNumberOf(typeof value === 'number' ? String(value) : text(value))
    if (number === undefined) throw new NotConvertible('is not a whole number')
    if (number < minimum || number > maximum) throw new NotConvertible(`is not between ${minimum} and ${maximum}`)
    return number
  }

const boolean = (value: unknown): boolean => {
  const given = typeof value === 'boolean' ? value : booleanOf(text(value))
  if (given === undefined) throw new NotConvertible('is neither true nor false')
  return given
}

const texts = (value: unknown): readonly string[] =>
  value === null ? [] : (Array.isArray(value) ? value : [value]).map((item) => text(item)).filter((item) => item !== '')

const paths = (value: unknown): readonly string[] =>
  texts(value).map((item) => {
    if (path(item).replaceAll('/', '') === '') throw new NotConvertible('would allow every file of this machine')
    return item
  })

const textsThat =
  (isOne: (item: string) => boolean, problem: string) =>
  (value: unknown): readonly string[] => {
    const items = texts(value)
    if (!items.every(isOne)) throw new NotConvertible(problem)
    return items
  }

const addresses = (family: 4 | 6) => textsThat((item) => isAddress(item, family), `takes IPv${family} addresses`)

const levels: Readonly<Record<string, string>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'error',
  panic: 'error',
}

const level = (value: unknown): string => {
  const known = levels[text(value).toLowerCase()]
  if (known === undefined) throw new NotConvertible('is none of debug, info, warn, error')
  return known
}

const engines = ['qemu-kvm', 'nbd', 'libguestfs'] as const

/** What `image_deploy_driver` may say. */
export type FieldEngine = (typeof engines)[number]

const engine = (value: unknown): FieldEngine => {
  const given = text(value)
  const known = engines.find((name) => name === given)
  if (known === undefined) throw new NotConvertible(`is none of ${engines.join(', ')}`, 'CONFIG_DRIVER_UNKNOWN')
  return known
}

const setting = (name: Extract<FieldKey['target'], { kind: 'setting' }>['name']) => ({ kind: 'setting', name }) as const

/**
 * The keys of host.conf that are ours. Shared are those that every program of the platform on a host has in common; the log level is a base option of
 * each program and stays its own.
 */
export const fieldKeys: Readonly<Record<string, FieldKey>> = {
  deploy_server_socket_path: { shared: true, target: setting('socketPath'), convert: path },
  deploy_concurrent: {
    shared: true,
    target: setting('concurrency'),
    convert: (value) => {
      const count = whole(-1_000_000, 1_000)(value)
      return count <= 0 ? 10 : count
    },
  },
  image_deploy_driver: { shared: true, target: { kind: 'driver' }, convert: engine },
  ext4_largefile_size_gb: { shared: true, target: setting('ext4LargefileSizeGib'), convert: whole(0, 1e9) },
  ext4_hugefile_size_gb: { shared: true, target: setting('ext4HugefileSizeGib'), convert: whole(0, 1e9) },
  deploy_guest_mem_size_mb: { shared: false, target: { kind: 'memory' }, convert: whole(128, 65_536) },
  deploy_temp_dir: { shared: false, target: setting('workDirectory'), convert: path },
  cloudroot_dir: { shared: false, target: setting('cloudrootDir'), convert: path },
  allow_vm_selinux: { shared: false, target: setting('allowVmSelinux'), convert: boolean },
  log_level: { shared: false, target: setting('logLevel'), convert: level },
  customized_private_prefixes: {
    shared: false,
    target: setting('privateNetworks'),
    list: true,
    convert: textsThat(isIpv4Network, 'takes IPv4 networks like 203.0.113.0/24'),
  },
  metadata_server_ip4s: { shared: true, target: setting('metadataIpv4Addresses'), list: true, convert: addresses(4) },
  metadata_server_ip6s: { shared: true, target: setting('metadataIpv6Addresses'), list: true, convert: addresses(6) },
  chntpw_path: { shared: false, target: { kind: 'nothing' }, convert: text },
  local_image_path: { shared: false, target: { kind: 'roots' }, list: true, convert: paths },
  shared_storages: { shared: false, target: { kind: 'roots' }, list: true, convert: paths },
  image_cache_path: { shared: false, target: { kind: 'roots' }, convert: paths },
  // The ESXi agent lays the disks it converts there.
  agent_temp_path: { shared: false, target: { kind: 'roots' }, convert: paths },
  common_config_file: { shared: false, target: { kind: 'file' }, convert: file },
  local_config_file: { shared: false, target: { kind: 'file' }, convert: file },
}
