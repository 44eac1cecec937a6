import type { DeployRequest } from '@host-deployer/api'
import type { GuestDesc } from '@host-deployer/api/grpc'
import type { Diagnostic } from '@host-deployer/driver-api'
import { ignored } from './wire-findings.ts'

const label = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/**
 * `hostname`, else `name`, with `domain` behind it for the full name. Machines of the field have names that are no host names (blanks, other
 * scripts): what a host name cannot have becomes "-", and a name of which nothing is left is left out.
 */
export function namesOf(
  guest: GuestDesc | null,
  diagnose: (finding: Diagnostic) => void,
): Pick<DeployRequest, 'hostname' | 'fqdn' | 'manage_etc_hosts'> {
  const field = guest?.hostname ? 'hostname' : 'name'
  const given = guest?.[field] ?? ''
  if (given === '') return {}
  const labels = given.replace(/\.$/, '').split('.')
  const usable = labels.every((part) => label.test(part)) && given.length <= 253 ? labels : sanitized(given)
  if (usable !== labels) {
    const path = `guest_desc.${field}`
    const summary = usable.length === 0 ? 'left out: nothing of the name can be in a host name' : `the host name is ${usable.join('.')}`
    diagnose({ severity: 'warning', code: 'WIRE_NAME_CHANGED', summary, path })
  }
  const [hostname] = usable
  if (hostname === undefined) return {}
  const domain = domainOf(guest?.domain ?? '', diagnose)
  const full = [...usable, ...domain]
  return {
    hostname,
    ...(full.length > 1 && full.join('.').length <= 253 && { fqdn: full.join('.') }),
    manage_etc_hosts: 'localhost',
  }
}

function sanitized(name: string): string[] {
  return name
    .slice(0, 253)
    .split('.')
    .map((part) =>
      part
        .replace(/[^A-Za-z0-9-]+/g, '-')
        .slice(0, 63)
        .replace(/^-+|-+$/g, ''),
    )
    .filter((part) => part !== '')
}

function domainOf(domain: string, diagnose: (finding: Diagnostic) => void): string[] {
  const labels = domain
    .trim()
    .replace(/^\.|\.$/g, '')
    .split('.')
  if (domain.trim() === '') return []
  if (labels.every((part) => label.test(part))) return labels
  diagnose(ignored('guest_desc.domain', 'a domain that is not one'))
  return []
}
