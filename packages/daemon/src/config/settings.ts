import { isIPv4, isIPv6 } from 'node:net'
import { isAbsolute } from 'node:path'
import * as z from 'zod'
import type { DaemonConfig } from './daemon-config.ts'

/** A key of {@link DaemonConfig}: the same word in our file, `HOST_DEPLOYER_` and upper case in the environment, kebab case as a flag. */
export type SettingName = keyof DaemonConfig

export interface Setting {
  /** How a text of the environment or the command line becomes a value: paths are separated by `:`, addresses by `,`, a map is a JSON object. */
  readonly kind: 'text' | 'number' | 'boolean' | 'paths' | 'addresses' | 'map'
  readonly schema: z.ZodType
  /** An edited file takes effect for the next job (`now`), or only when the daemon starts again. */
  readonly takesEffect: 'now' | 'restart'
  /** What a flag of that name takes, for the help text. */
  readonly placeholder: string
  readonly summary: string
}

const path = z.string().refine((text) => isAbsolute(text) && !text.includes('\0'), { error: 'is not an absolute path' })
const root = path.refine((text) => !/^\/+$/.test(text), { error: 'would allow every file of this machine' })
const addresses = (family: 4 | 6) =>
  z.array(z.string().refine((text) => isAddress(text, family), { error: `is not an IPv${family} address` }))
const day = 86_400_000

/** Every setting of ours, in the order that `config explain` shows. */
export const settings: Readonly<Record<SettingName, Setting>> = {
  socketPath: {
    kind: 'text',
    schema: path,
    takesEffect: 'restart',
    placeholder: 'path',
    summary: 'the socket that gRPC is served on',
  },
  socketGroup: {
    kind: 'text',
    // A group may be given by number, and YAML makes one of it.
    schema: z.union([
      z
        .int()
        .min(0)
        .transform((gid) => String(gid)),
      z.string().regex(/^[\w.@-]{1,64}\$?$/, { error: 'is neither name nor number of a group' }),
    ]),
    takesEffect: 'restart',
    placeholder: 'group',
    summary: 'the group of the socket, which it is open to',
  },
  adminSocketPath: {
    kind: 'text',
    schema: path,
    takesEffect: 'restart',
    placeholder: 'path',
    summary: 'the socket of status, metrics and health',
  },
  concurrency: {
    kind: 'number',
    schema: z.int().min(1).max(1_000),
    takesEffect: 'now',
    placeholder: 'count',
    summary: 'sessions at once',
  },
  queueLimit: {
    kind: 'number',
    schema: z.int().min(0).max(1_000_000),
    takesEffect: 'now',
    placeholder: 'count',
    summary: 'jobs that may wait; one more is refused',
  },
  driver: {
    kind: 'text',
    schema: z.string().min(1),
    takesEffect: 'now',
    placeholder: 'name',
    summary: 'driver name, package or path',
  },
  driverOptions: {
    kind: 'map',
    schema: z.record(z.string(), z.unknown()),
    takesEffect: 'now',
    placeholder: 'json',
    summary: "the driver's own options",
  },
  workDirectory: {
    kind: 'text',
    schema: path,
    takesEffect: 'restart',
    placeholder: 'dir',
    summary: 'private files of running sessions',
  },
  stateDirectory: {
    kind: 'text',
    schema: path,
    takesEffect: 'restart',
    placeholder: 'dir',
    summary: 'what reclaim reads after a crash',
  },
  cacheDirectory: {
    kind: 'text',
    schema: path,
    takesEffect: 'restart',
    placeholder: 'dir',
    summary: 'the appliance and its saved VM',
  },
  imageRoots: {
    kind: 'paths',
    schema: z.array(root).min(1),
    takesEffect: 'now',
    placeholder: 'dirs',
    summary: 'where images may lie, beside the storage paths of host.conf',
  },
  jobTimeoutMs: {
    kind: 'number',
    schema: z.int().min(1_000).max(day),
    takesEffect: 'now',
    placeholder: 'ms',
    summary: 'a job is cancelled after this, waiting included',
  },
  drainTimeoutMs: {
    kind: 'number',
    schema: z.int().min(0).max(day),
    takesEffect: 'now',
    placeholder: 'ms',
    summary: 'running jobs may go on for so long after SIGTERM',
  },
  cloudrootDir: {
    kind: 'text',
    schema: path,
    takesEffect: 'now',
    placeholder: 'dir',
    summary: "parent of cloudroot's home in guests",
  },
  allowVmSelinux: {
    kind: 'boolean',
    schema: z.boolean(),
    takesEffect: 'now',
    placeholder: 'true|false',
    summary: 'false disables SELinux in guests',
  },
  privateNetworks: {
    kind: 'addresses',
    schema: z.array(z.string().refine(isIpv4Network, { error: 'is not an IPv4 network like 203.0.113.0/24' })),
    takesEffect: 'now',
    placeholder: 'networks',
    summary: 'IPv4 networks of yours that count as private',
  },
  metadataIpv4Addresses: {
    kind: 'addresses',
    schema: addresses(4),
    takesEffect: 'now',
    placeholder: 'addresses',
    summary: 'where guests find the metadata service',
  },
  metadataIpv6Addresses: {
    kind: 'addresses',
    schema: addresses(6),
    takesEffect: 'now',
    placeholder: 'addresses',
    summary: 'the same with IPv6',
  },
  ext4LargefileSizeGib: {
    kind: 'number',
    schema: z.int().min(0),
    takesEffect: 'now',
    placeholder: 'GiB',
    summary: 'above this size ext4 is made with -T largefile',
  },
  ext4HugefileSizeGib: {
    kind: 'number',
    schema: z.int().min(0),
    takesEffect: 'now',
    placeholder: 'GiB',
    summary: 'above this size ext4 is made with -T huge',
  },
  metricsTextfile: {
    kind: 'text',
    schema: path.refine((text) => text.endsWith('.prom'), { error: 'does not end in .prom, and the collector reads only such files' }),
    takesEffect: 'restart',
    placeholder: 'path',
    summary: "where metrics are also written, for node exporter's textfile collector",
  },
  logLevel: {
    kind: 'text',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error']),
    takesEffect: 'now',
    placeholder: 'level',
    summary: 'trace, debug, info, warn or error',
  },
  spareWorkers: {
    kind: 'number',
    schema: z.int().min(0).max(64),
    takesEffect: 'now',
    placeholder: 'count',
    summary: 'worker processes that wait for the next job',
  },
}

export const settingNames = Object.keys(settings) as readonly SettingName[]

/** `socketPath` -> `HOST_DEPLOYER_SOCKET_PATH`. */
export const environmentName = (name: SettingName) => `HOST_DEPLOYER_${words(name).join('_').toUpperCase()}`

/** `socketPath` -> `socket-path`. */
export const flagName = (name: SettingName) => words(name).join('-')

export const isAddress = (text: string, family: 4 | 6) => (family === 4 ? isIPv4(text) : isIPv6(text) && !text.includes('%'))

export function isIpv4Network(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/')
  return rest.length === 0 && isIPv4(address) && /^\d{1,2}$/.test(length) && Number(length) <= 32
}

const words = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).split(' ')
