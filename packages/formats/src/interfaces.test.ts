import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configuredInterfaces, type InterfacesStanza, parseInterfaces, renderInterfaces } from './interfaces.ts'
import { renderLines } from './line-file.ts'

const debian = `# This file describes the network interfaces available on your system
source /etc/network/interfaces.d/*

# The loopback network interface
auto lo
iface lo inet loopback

allow-hotplug ens3 ens4
iface ens3 inet static
	address 192.0.2.5/24
	# the router
	gateway 192.0.2.1
	up ip route add 198.51.100.0/24 \\
	    via 192.0.2.254
	up true
iface ens3 inet6 auto
mapping wlan0
	script /bin/pick
source-directory conf.d`

test('stanzas', () => {
  const file = parseInterfaces(debian)
  expect(configuredInterfaces(file)).toEqual(['lo', 'ens3'])
  expect(file.entries).toEqual([
    { kind: 'source', keyword: 'source', pattern: '/etc/network/interfaces.d/*' },
    { kind: 'allow', keyword: 'auto', names: ['lo'] },
    { kind: 'iface', name: 'lo', family: 'inet', method: 'loopback', options: [] },
    { kind: 'allow', keyword: 'allow-hotplug', names: ['ens3', 'ens4'] },
    {
      kind: 'iface',
      name: 'ens3',
      family: 'inet',
      method: 'static',
      options: [
        { name: 'address', value: '192.0.2.5/24' },
        { name: 'gateway', value: '192.0.2.1' },
        { name: 'up', value: 'ip route add 198.51.100.0/24 \t    via 192.0.2.254' },
        { name: 'up', value: 'true' },
      ],
    },
    { kind: 'iface', name: 'ens3', family: 'inet6', method: 'auto', options: [] },
    { kind: 'other', keyword: 'mapping', value: 'wlan0', options: [{ name: 'script', value: '/bin/pick' }] },
    { kind: 'source', keyword: 'source-directory', pattern: 'conf.d' },
  ] satisfies InterfacesStanza[])
  expect(renderLines(file)).toBe(debian)
})

const stanzas: InterfacesStanza[] = [
  { kind: 'allow', keyword: 'auto', names: ['lo'] },
  { kind: 'iface', name: 'lo', family: 'inet', method: 'loopback', options: [] },
  { kind: 'allow', keyword: 'auto', names: ['eth0'] },
  { kind: 'iface', name: 'eth0', family: 'inet', method: 'static', options: [{ name: 'address', value: '192.0.2.5/24' }] },
  { kind: 'iface', name: 'eth0', family: 'inet6', method: 'dhcp', options: [] },
]

test('a fresh file', () => {
  const text = renderInterfaces(stanzas, '# ours\n')
  expect(text).toBe(`# ours

auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    address 192.0.2.5/24

iface eth0 inet6 dhcp
`)
  expect(parseInterfaces(text).entries).toEqual(stanzas)
})

test.each([
  { kind: 'iface', name: 'a b', family: 'inet', method: 'dhcp', options: [] },
  { kind: 'iface', name: 'a', family: 'inet', method: 'dhcp', options: [{ name: 'up', value: 'true\nup reboot' }] },
  { kind: 'iface', name: 'a', family: 'inet', method: 'dhcp', options: [{ name: 'up', value: 'true \\' }] },
  { kind: 'allow', keyword: 'auto', names: ['a\n'] },
] satisfies InterfacesStanza[])('refuses %j', (stanza) => {
  expect(() => renderInterfaces([stanza])).toThrow(RangeError)
})

test('any text survives', () => {
  const part = fc.constantFrom('iface', 'auto', 'source x', ' eth0', ' inet', '\n', '\r\n', '\\\n', '#', ' ', 'address', '\\')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 24 }), (parts) => {
      const text = parts.join('')
      expect(renderLines(parseInterfaces(text))).toBe(text)
    }),
  )
})
