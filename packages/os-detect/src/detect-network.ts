import { isEnabled } from './detect-init.ts'
import type { Evidence } from './evidence.ts'
import type { GuestFacts, NetworkManager } from './facts.ts'

/**
 * Network managers by their programs. systemd-networkd comes with systemd itself: it counts when it is enabled or has configuration, and
 * when there is no other that could be used.
 */
export async function detectNetworkManagers(evidence: Evidence): Promise<readonly NetworkManager[]> {
  const { has, hasAny, names } = evidence
  const networkd = hasAny('/usr/lib/systemd/systemd-networkd', '/lib/systemd/systemd-networkd')
  const networkdInUse = Promise.all([
    isEnabled(evidence, 'systemd-networkd.service', ['dbus-org.freedesktop.network1.service']),
    names('/etc/systemd/network').then((list) => list.some((name) => name.endsWith('.network'))),
  ]).then((found) => found.includes(true))
  const redHatScripts = hasAny('/etc/sysconfig/network-scripts/ifup', '/etc/sysconfig/network-scripts/ifup-eth')
  const checks: readonly [NetworkManager, Promise<boolean>][] = [
    ['netplan', hasAny('/usr/sbin/netplan', '/sbin/netplan')],
    ['networkd', both(networkd, networkdInUse)],
    ['network-manager', hasAny('/usr/sbin/NetworkManager', '/usr/bin/NetworkManager')],
    ['ifupdown', both(hasAny('/sbin/ifup', '/usr/sbin/ifup'), has('/etc/network'), not(redHatScripts), not(has('/usr/share/ifupdown2')))],
    ['ifupdown2', has('/usr/share/ifupdown2')],
    ['wicked', hasAny('/usr/sbin/wicked', '/sbin/wicked')],
    ['network-scripts', redHatScripts],
    ['openrc', hasAny('/etc/init.d/net.lo')],
    // It is often there for the initramfs alone.
    ['dhcpcd', both(hasAny('/usr/sbin/dhcpcd', '/sbin/dhcpcd', '/usr/bin/dhcpcd'), enabledDhcpcd(evidence))],
  ]
  const results = await Promise.all(checks.map(([, check]) => check))
  const found = checks.filter((_, index) => results[index]).map(([manager]) => manager)
  return found.length === 0 && (await networkd) ? ['networkd'] : found
}

const both = async (...checks: readonly Promise<boolean>[]): Promise<boolean> => !(await Promise.all(checks)).includes(false)
const not = async (check: Promise<boolean>): Promise<boolean> => !(await check)

const enabledDhcpcd = async (evidence: Evidence): Promise<boolean> =>
  (await isEnabled(evidence, 'dhcpcd.service')) || (await evidence.names('/etc/runlevels/default')).includes('dhcpcd')

export async function detectResolver(evidence: Evidence): Promise<GuestFacts['resolver']> {
  const [program, enabled, resolvconf] = await Promise.all([
    evidence.hasAny('/usr/lib/systemd/systemd-resolved', '/lib/systemd/systemd-resolved'),
    isEnabled(evidence, 'systemd-resolved.service', ['dbus-org.freedesktop.resolve1.service']),
    Promise.all(['/usr/sbin/resolvconf', '/sbin/resolvconf'].map((path) => isRealResolvconf(evidence, path))),
  ])
  return { systemdResolved: program && enabled, resolvconf: resolvconf.includes(true) }
}

// systemd-resolved brings a resolvconf of its own, a link to resolvectl.
async function isRealResolvconf(evidence: Evidence, path: string): Promise<boolean> {
  const [there, target] = await Promise.all([evidence.has(path), evidence.resolve(path)])
  return there && !target?.endsWith('/resolvectl')
}
