import { generatedHeader } from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import type { GuestFacts } from '@host-deployer/os-detect'
import type { NetworkFile } from './backend.ts'
import type { NetworkModel, Nic } from './model.ts'

/**
 * What gives interfaces their new names: systemd.link(5) files, read by udev before any manager sees the interface; a udev rule where there is no
 * systemd. A name that another interface holds at that moment cannot be given, so backends find interfaces by MAC address and do not lean on it.
 */
export function interfaceNameFiles({ nics }: NetworkModel, { initSystem }: GuestFacts): NetworkFile[] {
  const renamed = nics.filter((nic) => nic.setName !== undefined)
  if (initSystem === 'systemd') return renamed.map(linkFile)
  const rules = renamed.flatMap(udevRule)
  if (rules.length === 0) return []
  const content = generatedHeader('#') + rules.join('')
  return [{ path: guestPath('/etc/udev/rules.d/70-host-deployer-net.rules'), content, mode: 0o644 }]
}

/** Files of the image that name interfaces after something else than the request does: of cloud-init, of us, of udev's former rule generator. */
export const interfaceNameGlobs: readonly string[] = [
  '/etc/systemd/network/*-host-deployer-*.link',
  '/etc/systemd/network/*-cloud-init*.link',
  '/etc/udev/rules.d/70-host-deployer-net.rules',
  '/etc/udev/rules.d/70-persistent-net.rules',
]

function linkFile(nic: Nic): NetworkFile {
  const match = [
    nic.match.mac === undefined ? undefined : `MACAddress=${nic.match.mac}\nType=ether`,
    nic.match.name === undefined ? undefined : `OriginalName=${nic.match.name}`,
    nic.match.driver === undefined ? undefined : `Driver=${nic.match.driver}`,
  ].filter((line) => line !== undefined)
  const wake = nic.wakeOnLan === true ? 'WakeOnLan=magic\n' : ''
  const content = `${generatedHeader('#')}\n[Match]\n${match.join('\n')}\n\n[Link]\nName=${nic.setName}\n${wake}`
  return { path: guestPath(`/etc/systemd/network/10-host-deployer-${nic.id}.link`), content, mode: 0o644 }
}

const udevRule = ({ match, setName }: Nic): string[] =>
  match.mac === undefined
    ? []
    : [`SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="${match.mac}", ATTR{type}=="1", NAME="${setName}"\n`]
