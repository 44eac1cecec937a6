import { generatedHeader } from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import type { NetworkFile } from './backend.ts'
import { type NetworkModel, plainName } from './model.ts'

export const unmanagedPath = guestPath('/etc/NetworkManager/conf.d/10-host-deployer.conf')

/** Keeps NetworkManager off the interfaces that another manager gets (NetworkManager.conf(5), `keyfile.unmanaged-devices`). */
export function unmanagedFile(model: NetworkModel): NetworkFile {
  const devices = model.nics.flatMap((nic) => {
    const name = plainName(nic) ?? nic.match.name
    return [...(nic.match.mac === undefined ? [] : [`mac:${nic.match.mac}`]), ...(name === undefined ? [] : [`interface-name:${name}`])]
  })
  return { path: unmanagedPath, content: `${generatedHeader('#')}\n[keyfile]\nunmanaged-devices+=${devices.join(';')}\n`, mode: 0o644 }
}
