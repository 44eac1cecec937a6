import type { DeployRequest } from '@host-deployer/api'
import { InputError } from '@host-deployer/driver-api'
import { isDomainName, isHostname, splitHostname } from '@host-deployer/formats'

export interface RequestedNames {
  /** The short name, or a dotted one when the request says so. */
  readonly hostname: string
  /** `undefined` when the request gives no domain. */
  readonly fqdn: string | undefined
  /** What goes into `/etc/hostname`. */
  readonly systemName: string
}

/**
 * The names a request gives the guest, by cloud-init's rules: `fqdn` wins and gives the host name when there is no `hostname`; a `hostname` with a dot
 * is both. (`local-hostname` of the meta-data is `hostname` already when a request has been parsed.) The system's name is the short one unless `prefer_fqdn_over_hostname`.
 * `undefined` when the request names nothing. Throws `INPUT_HOSTNAME_INVALID`.
 */
export function requestedNames(request: DeployRequest): RequestedNames | undefined {
  const { hostname, fqdn } = namesBySource(request)
  if (hostname === undefined) return undefined
  const systemName = request.prefer_fqdn_over_hostname === true && fqdn !== undefined ? fqdn : hostname
  check(hostname, isHostname)
  if (fqdn !== undefined) check(fqdn, isDomainName)
  check(systemName, isHostname)
  return { hostname, fqdn, systemName }
}

function namesBySource(request: DeployRequest): { hostname: string | undefined; fqdn: string | undefined } {
  const fqdn = request.fqdn?.replace(/\.$/, '')
  if (fqdn !== undefined) return { hostname: request.hostname ?? splitHostname(fqdn).hostname, fqdn }
  if (request.hostname === undefined) return { hostname: undefined, fqdn: undefined }
  const { hostname, domain } = splitHostname(request.hostname)
  if (domain !== undefined) return { hostname, fqdn: `${hostname}.${domain}` }
  // The host name from cloud-config, its domain from the meta-data: cloud-init asks the data source for the fqdn.
  const meta = splitHostname(request.meta?.['local-hostname'] ?? '')
  return { hostname, fqdn: meta.hostname === hostname && meta.domain !== undefined ? `${hostname}.${meta.domain}` : undefined }
}

function check(name: string, valid: (name: string) => boolean): void {
  if (valid(name)) return
  throw new InputError('INPUT_HOSTNAME_INVALID', `Not a host name: ${JSON.stringify(name)}`, {
    hint: 'Use letters, digits and dashes, labels of at most 63 characters, a host name of at most 64.',
    context: { path: 'hostname', value: name },
  })
}
