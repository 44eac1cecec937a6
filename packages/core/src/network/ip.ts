import { isIP, isIPv4 } from 'node:net'
import type { IpFamily } from './model.ts'

/** 4 or 6, `undefined` for anything else; a zone (`%eth0`) makes it anything else. */
export function ipFamily(text: string): IpFamily | undefined {
  if (text.includes('%')) return undefined
  const family = isIP(text)
  return family === 0 ? undefined : (family as IpFamily)
}

/** Bits of an address of a family. */
export const addressBits = (family: IpFamily): number => (family === 4 ? 32 : 128)

export interface Cidr {
  readonly family: IpFamily
  readonly address: string
  readonly prefixLength: number
}

/** `10.0.0.1/24`, `fe80::1/64`; without a prefix length it is `netmask` (`255.255.255.0`, `24`, `ffff::`), else `defaultPrefix`. */
export function parseCidr(text: string, netmask?: string, defaultPrefix?: (family: IpFamily) => number): Cidr | undefined {
  const [address = '', length, ...rest] = text.trim().split('/')
  const family = ipFamily(address)
  if (family === undefined || rest.length > 0) return undefined
  const prefixLength = length === undefined ? prefixOfMask(netmask, family) : prefixOfText(length, family)
  const chosen = prefixLength ?? (length === undefined && netmask === undefined ? defaultPrefix?.(family) : undefined)
  return chosen === undefined ? undefined : { family, address: address.toLowerCase(), prefixLength: chosen }
}

function prefixOfText(text: string, family: IpFamily): number | undefined {
  // `10.0.0.1/255.255.255.0` is seen in the wild.
  if (!/^\d{1,3}$/.test(text)) return prefixOfMask(text, family)
  const length = Number(text)
  return length <= addressBits(family) ? length : undefined
}

function prefixOfMask(mask: string | undefined, family: IpFamily): number | undefined {
  if (mask === undefined) return undefined
  if (/^\d{1,3}$/.test(mask)) return prefixOfText(mask, family)
  if (ipFamily(mask) !== family) return undefined
  const bits = addressToNumber(mask, family).toString(2).padStart(addressBits(family), '0')
  return /^1*0*$/.test(bits) ? bits.replaceAll('0', '').length : undefined
}

/** The network an address is in, host bits zero: `10.1.2.3/8` becomes `10.0.0.0/8`. Kernels refuse routes with host bits. */
export function networkOf({ family, address, prefixLength }: Cidr): string {
  const hostBits = BigInt(addressBits(family) - prefixLength)
  const value = addressToNumber(address, family)
  const network = (value >> hostBits) << hostBits
  return `${network === value ? address : numberToAddress(network, family)}/${prefixLength}`
}

function addressToNumber(address: string, family: IpFamily): bigint {
  const parts = family === 4 ? address.split('.').map(Number) : groupsOf(address)
  const width = family === 4 ? 8n : 16n
  return parts.reduce((sum, part) => (sum << width) | BigInt(part), 0n)
}

/** The eight groups of an IPv6 address, `::` filled in, an embedded IPv4 address as two. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const read = (text: string) =>
    text === ''
      ? []
      : text.split(':').flatMap((group) => {
          if (!isIPv4(group)) return [Number.parseInt(group, 16)]
          const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
          return [a * 256 + b, c * 256 + d]
        })
  const left = read(head)
  const right = tail === undefined ? [] : read(tail)
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function numberToAddress(value: bigint, family: IpFamily): string {
  const count = family === 4 ? 4 : 8
  const width = family === 4 ? 8n : 16n
  const mask = (1n << width) - 1n
  const parts = Array.from({ length: count }, (_, i) => Number((value >> (width * BigInt(count - 1 - i))) & mask))
  if (family === 4) return parts.join('.')
  // The longest run of two zero groups or more is `::` (RFC 5952 4.2).
  const text = parts.map((part) => part.toString(16)).join(':')
  const runs = [...text.matchAll(/(?<=^|:)0(:0)+(?=:|$)/g)].sort((one, other) => other[0].length - one[0].length)
  const run = runs[0]
  if (run === undefined) return text
  return `${text.slice(0, run.index).replace(/:$/, '')}::${text.slice(run.index + run[0].length).replace(/^:/, '')}`
}
