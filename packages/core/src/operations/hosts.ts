import { InputError, OperationError } from '@host-deployer/driver-api'
import { getHostname, parseHostnameFile, splitHostname } from '@host-deployer/formats'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { defineOperation } from '../operation.ts'
import { type OwnNames, stageDebianHostsLine, stageLocalhostLine } from '../strategies/hosts/own-name-line.ts'
import { requestedNames } from './requested-names.ts'

/**
 * `manage_etc_hosts`: the line of `/etc/hosts` with the guest's own names. `true` and `localhost` do the same here: the line is replaced and all
 * others are left alone, while cloud-init's `true` renders a template at every boot. Without a name in the request the image's own name is used.
 * `INPUT_HOSTNAME_MISSING` when there is none either, `OPERATION_HOSTS_UNSUPPORTED`.
 */
export const hosts = defineOperation<{ readonly names: OwnNames | undefined }>({
  id: 'hosts',
  after: ['write-files', 'hostname'],
  reads: ['/etc/hosts', '/etc/hostname'],
  select: (request) =>
    request.manage_etc_hosts === true || request.manage_etc_hosts === 'localhost' ? { names: requestedNames(request) } : undefined,
  stage: async ({ fs, input, profile }) => {
    const names = input.names ?? (await imageNames(fs))
    if (names === undefined) {
      throw new InputError('INPUT_HOSTNAME_MISSING', 'manage_etc_hosts is asked for, but neither request nor image names the host', {
        hint: 'Add hostname or fqdn to the request.',
        context: { path: 'manage_etc_hosts' },
      })
    }
    if (profile.hosts === 'debian-127-0-1-1') await stageDebianHostsLine(fs, names)
    else if (profile.hosts === 'localhost-line') await stageLocalhostLine(fs, names)
    else {
      throw new OperationError('OPERATION_HOSTS_UNSUPPORTED', `No way is known to manage /etc/hosts of ${profile.id}`, {
        hint: 'Leave manage_etc_hosts out of the request; write_files can replace the file.',
      })
    }
  },
})

async function imageNames(fs: WritableGuestFs): Promise<OwnNames | undefined> {
  const name = getHostname(parseHostnameFile((await fs.readTextIfExists(guestPath('/etc/hostname'))) ?? ''))
  if (name === undefined) return undefined
  const { hostname, domain } = splitHostname(name)
  return { hostname, fqdn: domain === undefined ? undefined : name }
}
