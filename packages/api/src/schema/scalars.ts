import { isIP, isIPv4, isIPv6 } from 'node:net'
import * as z from 'zod'

/** A text. YAML makes numbers of unquoted digits; those are text again. */
export const text = z.union([z.string(), z.number()]).transform(String)

const truths = new Set(['true', '1', 'on', 'yes'])
const falsehoods = new Set(['false', '0', 'off', 'no'])

/** A boolean, or the words and digits cloud-init takes for one. */
export const flag = z.union([z.boolean(), z.string(), z.number()]).transform((value, context) => {
  if (typeof value === 'boolean') return value
  const word = String(value).toLowerCase().trim()
  if (truths.has(word)) return true
  if (!falsehoods.has(word)) context.addIssue({ code: 'custom', message: 'expected true or false' })
  return false
})

/** Words separated by commas, or a list of such texts. */
export const commaList = z.union([text, z.array(text)]).transform((value) =>
  [value]
    .flat()
    .flatMap((part) => part.split(','))
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)

/** Words separated by blanks or commas, or a list. */
export const wordList = z.union([text, z.array(text)]).transform((value) =>
  [value]
    .flat()
    .flatMap((part) => part.split(/[\s,]+/))
    .filter((part) => part !== ''),
)

/** One text without line breaks, NUL and other control characters. */
export const line = text.refine((value) => !/[\0-\x08\x0a-\x1f\x7f]/.test(value), 'has a line break or a control character')

const integerText = /^(0|[1-9]\d*)$/

/** A whole number, also as text. */
export const integer = (minimum: number, maximum: number) =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    const number = typeof value === 'number' ? value : integerText.test(value) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number) || number < minimum || number > maximum) {
      context.addIssue({ code: 'custom', message: `expected a whole number from ${minimum} to ${maximum}` })
    }
    return number
  })

/** useradd(8) as Debian builds it, without its tolerance for blanks: shadow's files and sudoers(5) must stay parsable. */
const accountPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}\$?$/

export const isAccountName = (name: string) => accountPattern.test(name) && !/^\d+$/.test(name) && name.length <= 32

/** Name of a user or group. */
export const accountName = text.refine(isAccountName, {
  message: 'is not a name for a user or group: up to 32 letters, digits, "_", "." and "-"',
  params: { code: 'INPUT_NAME_INVALID' },
})

const labelPattern = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/** Host name by RFC 1123, at most 253 characters; Linux allows 64 for the name itself. */
export const isHostname = (name: string) =>
  name.length <= 253 && name.split('.').every((label) => labelPattern.test(label)) && (name.split('.')[0] ?? '').length <= 63

export const hostname = text.refine(isHostname, {
  message: 'is not a host name: labels of up to 63 letters, digits and "-", joined by "."',
  params: { code: 'INPUT_NAME_INVALID' },
})

/** An absolute path that says what it means: no `..`, no NUL, at most 4095 bytes. */
export const isGuestPath = (path: string) =>
  path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..') && Buffer.byteLength(path) <= 4095

export const guestPath = text.refine(isGuestPath, {
  message: 'is not a usable path: it has to be absolute, without "..", without NUL, of at most 4095 bytes',
  params: { code: 'INPUT_PATH_INVALID' },
})

const keyTypes =
  /^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com|[a-z0-9-]+-cert-v01@openssh\.com)$/

/**
 * One line of authorized_keys(5): options, type, base64, comment. Only the shape; that the bytes are a key of that type is checked where the
 * line is written.
 */
export function isSshKeyLine(value: string): boolean {
  if (/[\0\r\n]/.test(value)) return false
  const words = value.trim().split(/[ \t]+/)
  const index = words.findIndex((word) => keyTypes.test(word))
  const [type, body] = index < 0 ? [] : words.slice(index)
  if (type === undefined || body === undefined || !/^AAAA[A-Za-z0-9+/]+={0,2}$/.test(body)) return false
  const bytes = Buffer.from(body, 'base64')
  // The blob starts with the length of the type's name, and the name: RFC 4253, 6.6.
  return (
    bytes.length > 4 + type.length &&
    bytes.readUInt32BE(0) === type.length &&
    bytes.subarray(4, 4 + type.length).toString('latin1') === type
  )
}

const sshKey = text
  .transform((value) => value.trim())
  .refine(isSshKeyLine, {
    message: 'is not a public key as in authorized_keys: "ssh-ed25519 AAAA... comment"',
    params: { code: 'INPUT_SSH_KEY_INVALID' },
  })

/** Public keys: a list, or one text with a key on each line. */
export const sshKeys = z.union([z.array(sshKey), z.string()]).transform((value, context) => {
  if (typeof value !== 'string') return value
  const keys = value
    .split('\n')
    .map((key) => key.trim())
    .filter((key) => key !== '')
  if (!keys.every(isSshKeyLine)) {
    context.addIssue({ code: 'custom', message: 'has a line that is not a public key', params: { code: 'INPUT_SSH_KEY_INVALID' } })
  }
  return keys
})

const ip = (check: (value: string) => boolean, what: string) => text.refine(check, `is not ${what}`)

/** IPv4 or IPv6, without a zone. */
export const isIpAddress = (value: string) => isIP(value) !== 0 && !value.includes('%')

export const ipAddress = ip(isIpAddress, 'an IP address')
export const ipv4Address = ip(isIPv4, 'an IPv4 address')
export const ipv6Address = ip((value) => isIPv6(value) && !value.includes('%'), 'an IPv6 address')

/** `192.0.2.1/24`, `2001:db8::1/64`. */
export function isCidr(value: string): boolean {
  const [address = '', prefix, ...rest] = value.split('/')
  if (prefix === undefined || rest.length > 0 || address.includes('%') || !integerText.test(prefix)) return false
  const family = isIP(address)
  return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128)
}

export const cidr = ip(isCidr, 'an IP address with a prefix length, such as 192.0.2.1/24')
export const ipAddressOrCidr = ip((value) => isCidr(value) || isIpAddress(value), 'an IP address')

/** A dotted IPv4 mask, an IPv6 mask, or a prefix length: its bits are ones and then zeros. */
export function isNetmask(value: string): boolean {
  if (integerText.test(value)) return Number(value) <= 128
  const bits = isIPv4(value) ? ipv4Bits(value) : isIPv6(value) && !/[.%]/.test(value) ? ipv6Bits(value) : undefined
  return bits !== undefined && /^1*0*$/.test(bits)
}

const ipv4Bits = (value: string) =>
  value
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('')

function ipv6Bits(value: string): string {
  const [head = [], tail] = value.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const groups = [...head, ...Array<string>(Math.max(0, 8 - head.length - (tail?.length ?? 0))).fill('0'), ...(tail ?? [])]
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}

export const netmask = ip(isNetmask, 'a netmask')

/** Six bytes in hexadecimal; cloud-init and netplan write them with colons. In lower case. */
export const macAddress = text
  .transform((value) => value.toLowerCase().replaceAll('-', ':'))
  .refine((value) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(value), 'is not a MAC address, such as 52:54:00:12:34:56')

/** The least IPv4 allows, and the most a Linux device takes. */
export const mtu = integer(68, 65_536)

/** dev_valid_name() of Linux: at most 15 bytes, no blank, no slash, no colon, neither `.` nor `..`. */
export const isInterfaceName = (name: string) =>
  /^[^\s/:\0]{1,15}$/.test(name) && Buffer.byteLength(name) <= 15 && name !== '.' && name !== '..'

export const interfaceName = text.refine(isInterfaceName, {
  message: 'is not a name for a network interface: up to 15 characters without blanks, "/" and ":"',
  params: { code: 'INPUT_NAME_INVALID' },
})

/** A DNS search domain; underscores are common in those. */
export const isDomain = (value: string) => value === '.' || isHostname(value.replace(/\.$/, '').replaceAll('_', 'x'))

export const domain = text.refine(isDomain, 'is not a domain name')

type Present<Map> = { [Key in keyof Map as undefined extends Map[Key] ? never : Key]: Map[Key] } & {
  [Key in keyof Map as undefined extends Map[Key] ? Key : never]?: Exclude<Map[Key], undefined>
}

/** A map without the keys that have no value. */
export function present<Map extends object>(map: Map): Present<Map> {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as Present<Map>
}
