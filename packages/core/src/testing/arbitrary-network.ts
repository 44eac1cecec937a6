import type { NetworkV1Subnet, NetworkV2Ethernet } from '@host-deployer/api'
import fc from 'fast-check'

/** One interface written in both versions of network configuration, meaning the same. */
export interface TwinNic {
  readonly name: string
  readonly v1: { readonly mac_address?: string; readonly mtu?: number; readonly subnets: readonly NetworkV1Subnet[] }
  readonly v2: NetworkV2Ethernet
}

const mac = fc
  .tuple(...Array.from({ length: 5 }, () => fc.nat(255)))
  .map((bytes) => [0x52, ...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':'))
const octet = fc.integer({ min: 1, max: 254 })
const noLists = { dns_nameservers: [], dns_search: [], routes: [] }

const nic = (index: number): fc.Arbitrary<TwinNic> =>
  fc
    .record({
      mac: fc.option(mac, { nil: undefined }),
      mtu: fc.option(fc.integer({ min: 1280, max: 9000 }), { nil: undefined }),
      dhcp4: fc.boolean(),
      host4: fc.option(octet, { nil: undefined }),
      host6: fc.option(octet, { nil: undefined }),
      gateway: fc.boolean(),
      dns: fc.boolean(),
      routeMetric: fc.option(fc.nat(1000), { nil: undefined }),
    })
    .map(({ mac: address, mtu, dhcp4, host4, host6, gateway, dns, routeMetric }) => {
      const net = `10.${index}`
      const name = `eth${index}`
      const metric = routeMetric === undefined ? {} : { metric: routeMetric }
      const static4 = host4 === undefined ? undefined : `${net}.0.${host4}/24`
      const static6 = host6 === undefined ? undefined : `2001:db8:${index}::${host6.toString(16)}/64`
      // One default route is enough: netplan complains of two.
      const via = gateway && index === 0 && static4 !== undefined ? `${net}.0.1` : undefined
      const nameservers = dns && static4 !== undefined ? [`${net}.0.53`] : []
      const v1Routes = via === undefined ? [] : [{ destination: '172.16.0.0', netmask: '255.240.0.0', gateway: via, ...metric }]
      const subnets: NetworkV1Subnet[] = [
        ...(dhcp4 ? [{ type: 'dhcp4' as const, ...noLists }] : []),
        ...(static4 === undefined
          ? []
          : [
              {
                type: 'static' as const,
                address: static4,
                ...(via === undefined ? {} : { gateway: via }),
                ...noLists,
                dns_nameservers: nameservers,
                routes: v1Routes,
              },
            ]),
        ...(static6 === undefined ? [] : [{ type: 'static6' as const, address: static6, ...noLists }]),
      ]
      return {
        name,
        v1: { ...(address === undefined ? {} : { mac_address: address }), ...(mtu === undefined ? {} : { mtu }), subnets },
        v2: {
          ...(address === undefined ? {} : { match: { macaddress: address.toUpperCase() }, 'set-name': name }),
          ...(mtu === undefined ? {} : { mtu }),
          dhcp4,
          addresses: [static4, static6].filter((text) => text !== undefined),
          ...(via === undefined ? {} : { gateway4: via }),
          routes: via === undefined ? [] : [{ to: '172.16.0.0/12', via, ...metric }],
          ...(nameservers.length === 0 ? {} : { nameservers: { addresses: nameservers, search: [] } }),
        },
      }
    })

/** One to three interfaces with different MAC addresses. */
export const arbitraryTwinNics: fc.Arbitrary<readonly TwinNic[]> = fc
  .integer({ min: 1, max: 3 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => nic(index))))
  .filter(
    (nics) => new Set(nics.flatMap(({ v1 }) => v1.mac_address ?? [])).size === nics.filter(({ v1 }) => v1.mac_address !== undefined).length,
  )
