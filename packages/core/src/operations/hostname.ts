import { OperationError } from '@host-deployer/driver-api'
import { addressesOf, parseHosts } from '@host-deployer/formats'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { defineOperation, type StageContext } from '../operation.ts'
import { stageEtcHostname } from '../strategies/hostname/etc-hostname.ts'
import { type RequestedNames, requestedNames } from './requested-names.ts'

/**
 * The guest's own name: `hostname`, `fqdn`, `prefer_fqdn_over_hostname`, `local-hostname` of the meta-data.
 * `/etc/hosts` is the business of `manage_etc_hosts`, as in cloud-init; a name that nothing in the guest would resolve is a diagnostic, since sudo
 * and mail servers stumble over it. `OPERATION_HOSTNAME_UNSUPPORTED`, `INPUT_HOSTNAME_INVALID`.
 */
export const hostname = defineOperation<RequestedNames>({
  id: 'hostname',
  after: ['write-files'],
  reads: ['/etc/hostname', '/etc/hosts', '/etc/nsswitch.conf'],
  select: requestedNames,
  stage: async (context) => {
    if (context.profile.hostname !== 'etc-hostname') {
      throw new OperationError('OPERATION_HOSTNAME_UNSUPPORTED', `No way is known to set the host name of ${context.profile.id}`, {
        hint: 'Leave hostname and fqdn out of the request, or use --cloud-init delegate.',
      })
    }
    await stageEtcHostname(context.fs, context.input.systemName)
    await warnIfUnresolvable(context)
  },
})

async function warnIfUnresolvable({ fs, input, request, diagnose }: StageContext<RequestedNames>): Promise<void> {
  if (request.manage_etc_hosts === true || request.manage_etc_hosts === 'localhost') return
  const hosts = parseHosts((await fs.readTextIfExists(guestPath('/etc/hosts'))) ?? '')
  if (addressesOf(hosts, input.systemName).length > 0 || (await hasMyhostname(fs))) return
  diagnose({
    severity: 'warning',
    code: 'HOSTNAME_NOT_RESOLVABLE',
    summary: `Nothing in the guest resolves its new name ${input.systemName}`,
    detail: '/etc/hosts does not mention it and nss-myhostname is not in use. manage_etc_hosts: localhost adds it.',
    path: '/etc/hosts',
  })
}

/** Whether nss-myhostname(8) answers for the local name, whatever it is. */
async function hasMyhostname(fs: WritableGuestFs): Promise<boolean> {
  const text = (await fs.readTextIfExists(guestPath('/etc/nsswitch.conf'))) ?? ''
  return /^\s*hosts:.*\bmyhostname\b/m.test(text)
}
