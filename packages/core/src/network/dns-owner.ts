import { generatedHeader } from '@host-deployer/formats'
import { type GuestFs, guestPath } from '@host-deployer/guest-fs'
import type { GuestFacts } from '@host-deployer/os-detect'
import { findUnit } from '../strategies/services/systemd.ts'
import type { DnsOwner, NetworkBackend, NetworkFile } from './backend.ts'
import type { NetworkModel } from './model.ts'

export interface DnsPlan {
  readonly owner: DnsOwner
  /** systemd-resolved is there but off; the backend cannot do without it. */
  readonly enableResolved: boolean
}

/**
 * Who will own `/etc/resolv.conf`. networkd and netplan hand name servers to systemd-resolved only, so it is switched on for them where the image has
 * it; ifupdown hands them to resolvconf. Otherwise nobody does.
 */
export async function planDns(fs: GuestFs, facts: GuestFacts, backend: NetworkBackend): Promise<DnsPlan> {
  if (facts.resolver.systemdResolved) return { owner: 'systemd-resolved', enableResolved: false }
  const viaResolved = backend.id === 'networkd' || backend.id === 'netplan'
  if (viaResolved && (await findUnit(fs, 'systemd-resolved.service')) !== undefined)
    return { owner: 'systemd-resolved', enableResolved: true }
  return { owner: facts.resolver.resolvconf && !viaResolved ? 'resolvconf' : 'none', enableResolved: false }
}

export const stubResolvConf = '../run/systemd/resolve/stub-resolv.conf'
export const resolvConf = guestPath('/etc/resolv.conf')
export const resolvedDropIn = guestPath('/etc/systemd/resolved.conf.d/10-host-deployer.conf')

/** All name servers and search domains of the model, each once. */
export function allDns({ nics }: NetworkModel) {
  return {
    addresses: [...new Set(nics.flatMap(({ dns }) => dns.addresses))],
    search: [...new Set(nics.flatMap(({ dns }) => dns.search))],
  }
}

/** resolv.conf(5) for a guest where nothing else writes it. `undefined` when the model names no server: what is there stays. */
export function renderResolvConf(model: NetworkModel): string | undefined {
  const { addresses, search } = allDns(model)
  if (addresses.length === 0) return undefined
  // glibc reads the first three servers only.
  const servers = addresses.map((address) => `nameserver ${address}\n`)
  // A lone dot or routing domain means nothing here.
  const domains = search.filter((domain) => !domain.startsWith('~'))
  return `${generatedHeader('#')}${domains.length === 0 ? '' : `search ${domains.join(' ')}\n`}${servers.join('')}`
}

/** For managers that cannot tell systemd-resolved (ifupdown without its hook): the servers as global ones, resolved.conf(5). */
export function resolvedDropInFiles(model: NetworkModel): NetworkFile[] {
  const { addresses, search } = allDns(model)
  if (addresses.length === 0 && search.length === 0) return []
  const lines = [
    ...(addresses.length === 0 ? [] : [`DNS=${addresses.join(' ')}`]),
    ...(search.length === 0 ? [] : [`Domains=${search.join(' ')}`]),
  ]
  return [{ path: resolvedDropIn, content: `${generatedHeader('#')}\n[Resolve]\n${lines.join('\n')}\n`, mode: 0o644 }]
}
