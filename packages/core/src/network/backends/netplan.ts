import { generatedHeader } from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import { stringify } from 'yaml'
import type { NetworkBackend } from '../backend.ts'
import type { NetworkModel, Nic, NicRoute } from '../model.ts'

// Files are merged in the order of their names, later ones win; the others in /etc are removed, those of packages (/usr/lib/netplan) come before.
const path = guestPath('/etc/netplan/90-host-deployer.yaml')

// YAML 1.1 is what netplan's own Python reads: there 52:54:00:12:34:56 without quotes is a number.
const yamlOptions = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const

/** netplan(5): YAML that it turns into configuration of networkd or NetworkManager at every boot. */
export const netplan: NetworkBackend = {
  id: 'netplan',
  owns: ['/etc/netplan/*.yaml', '/etc/netplan/*.yml'],
  // It is a systemd generator: where it is installed, it runs.
  detect: async (facts) => (facts.networkManagers.includes('netplan') ? 'enabled' : 'absent'),
  render: (model, { facts }) => {
    if (model.nics.length === 0) return { files: [], units: [] }
    const networkd = facts.networkManagers.includes('networkd') || !facts.networkManagers.includes('network-manager')
    const content = `${generatedHeader('#')}${stringify(document(model, networkd ? 'networkd' : 'NetworkManager'), yamlOptions)}`
    // netplan enables networkd by itself.
    return { files: [{ path, content, mode: 0o600 }], units: [] }
  },
}

const document = (model: NetworkModel, renderer: string) => ({
  network: { version: 2, renderer, ethernets: Object.fromEntries(model.nics.map((nic) => [nic.id, ethernet(nic)])) },
})

type Yaml = Record<string, unknown>

function ethernet(nic: Nic): Yaml {
  const { match } = nic
  const byOwnName = match.name === nic.id && match.mac === undefined && match.driver === undefined && nic.setName === undefined
  return present({
    match: byOwnName ? undefined : present({ macaddress: match.mac, name: match.name, driver: match.driver }),
    'set-name': nic.setName,
    dhcp4: nic.dhcp4,
    dhcp6: nic.dhcp6,
    ...dhcpOverrides(nic),
    'accept-ra': nic.acceptRa,
    addresses: nonEmpty(nic.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`)),
    routes: nonEmpty(nic.routes.map(route)),
    nameservers: nonEmpty(present({ addresses: nonEmpty([...nic.dns.addresses]), search: nonEmpty([...nic.dns.search]) })),
    mtu: nic.mtu,
    macaddress: nic.macAddress,
    wakeonlan: nic.wakeOnLan,
    optional: nic.optional ? true : undefined,
  })
}

/** Where both protocols are on, netplan wants the same overrides for both: networkd once had a single section for them. */
function dhcpOverrides({ dhcp4, dhcp6, dhcp4Overrides, dhcp6Overrides }: Nic): Yaml {
  const both = nonEmpty({ ...dhcp6Overrides, ...dhcp4Overrides })
  if (dhcp4 && dhcp6) return { 'dhcp4-overrides': both, 'dhcp6-overrides': both }
  return { 'dhcp4-overrides': nonEmpty(dhcp4Overrides), 'dhcp6-overrides': nonEmpty(dhcp6Overrides) }
}

/** `to: default` is newer than some releases; `gateway4` is gone from newer ones. Zero networks work in all of them. */
const route = (given: NicRoute): Yaml =>
  present({
    to: given.to,
    via: given.via,
    scope: given.via === undefined ? 'link' : undefined,
    metric: given.metric,
    'on-link': given.onLink ? true : undefined,
  })

const present = (fields: Yaml): Yaml => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
const nonEmpty = <T extends object>(value: T): T | undefined => (Object.keys(value).length === 0 ? undefined : value)
