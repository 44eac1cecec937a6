/** A host name and what follows its first dot. */
export interface HostNameParts {
  readonly hostname: string
  /** `undefined` for a name without a dot. */
  readonly domain: string | undefined
}

/** One label of a name, RFC 1123 2.1: letters, digits and inner dashes, 1 to 63 characters. */
export function isHostLabel(label: string): boolean {
  return /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label)
}

/** A domain name of one or more labels, at most 253 characters; `10.0.0.1` is none (RFC 1123: the top label is not a number). No dot at the end. */
export function isDomainName(name: string): boolean {
  return name.length <= 253 && name.split('.').every(isHostLabel) && !/\.\d+$/.test(name)
}

/** A name the kernel takes (`HOST_NAME_MAX`): a domain name of at most 64 characters. */
export function isHostname(name: string): boolean {
  return name.length <= 64 && isDomainName(name)
}

/** Splits at the first dot: `a.example.org` is host `a` in domain `example.org`. A dot at the end is dropped. */
export function splitHostname(name: string): HostNameParts {
  const bare = name.replace(/\.$/, '')
  const dot = bare.indexOf('.')
  return dot === -1 ? { hostname: bare, domain: undefined } : { hostname: bare.slice(0, dot), domain: bare.slice(dot + 1) }
}
