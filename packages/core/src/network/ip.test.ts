import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ipFamily, networkOf, parseCidr } from './ip.ts'

describe('parseCidr', () => {
  test.each([
    ['192.0.2.10/24', undefined, 24],
    ['192.0.2.10', '255.255.255.0', 24],
    ['192.0.2.10', '24', 24],
    ['192.0.2.10/255.255.0.0', undefined, 16],
    ['192.0.2.10', '0.0.0.0', 0],
    ['2001:db8::1/64', undefined, 64],
    ['2001:db8::1', 'ffff:ffff::', 32],
    ['2001:DB8::1', '128', 128],
  ])('%s netmask %s', (text, netmask, prefixLength) => {
    expect(parseCidr(text, netmask)).toEqual({
      family: text.includes(':') ? 6 : 4,
      address: text.split('/')[0]?.toLowerCase(),
      prefixLength,
    })
  })

  test.each([
    ['192.0.2.10', undefined],
    ['192.0.2.10/33', undefined],
    ['192.0.2.10', '255.0.255.0'],
    ['192.0.2.10', 'ffff::'],
    ['192.0.2.256/24', undefined],
    ['2001:db8::1/129', undefined],
    ['fe80::1%eth0/64', undefined],
    ['192.0.2.10/24/8', undefined],
    ['eth0', undefined],
    ['', undefined],
  ])('refuses %s netmask %s', (text, netmask) => {
    expect(parseCidr(text, netmask)).toBeUndefined()
  })
})

test.each([
  ['10.1.2.3/8', '10.0.0.0/8'],
  ['192.0.2.128/25', '192.0.2.128/25'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['2001:db8:0:1::1/64', '2001:db8:0:1::/64'],
  ['2001:db8:1:2:3:4:5:6/33', '2001:db8::/33'],
  ['::ffff:192.0.2.1/120', '::ffff:c000:200/120'],
  ['ff::1/0', '::/0'],
])('the network of %s is %s', (text, network) => {
  expect(networkOf(parseCidr(text) ?? { family: 4, address: '', prefixLength: 0 })).toBe(network)
})

test('a network is its own network, and a valid one', () => {
  fc.assert(
    fc.property(fc.oneof(fc.tuple(fc.ipV4(), fc.nat(32)), fc.tuple(fc.ipV6(), fc.nat(128))), ([address, length]) => {
      const cidr = parseCidr(`${address}/${length}`)
      if (cidr === undefined) throw new Error(address)
      const network = networkOf(cidr)
      const again = parseCidr(network)
      expect(ipFamily(network.split('/')[0] ?? '')).toBe(cidr.family)
      expect(again && networkOf(again)).toBe(network)
    }),
  )
})
