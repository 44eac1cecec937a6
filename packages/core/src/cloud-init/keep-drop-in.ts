import type { DeployRequest, UserRequest } from '@host-deployer/api'
import type { LoginAccount } from '../login-account.ts'
import { requestedNames } from '../operations/requested-names.ts'
import { listsUsers } from '../strategies/accounts/requested-accounts.ts'

/** Settings of cloud-init's own configuration, as `cloud.cfg.d` takes them. */
export type CloudConfig = Readonly<Record<string, unknown>>

/**
 * The settings that make cloud-init leave alone what the request configured, and nothing else. Pure.
 *
 * They hold on a boot without data source and against the configuration in the image. User-data and vendor-data of a data source are merged over them
 * (cloud-init's ConfigMerger), except for `network`, where the system's configuration comes before the data source's.
 *
 * @param defaultUser the account that the image's cloud-init takes for its default user
 * @param login what `login_account` set, `undefined` without it
 */
export function keepDropIn(request: DeployRequest, defaultUser: string, login?: LoginAccount): CloudConfig {
  const ssh_pwauth = login?.hasPassword === true ? true : request.ssh_pwauth
  const rootLogsIn = login?.name === 'root' && (login.hasPassword || login.hasKeys)
  const disable_root = rootLogsIn ? false : request.disable_root
  const names = requestedNames(request)
  return {
    ...(request.network === undefined ? {} : { network: { config: 'disabled' } }),
    // The names, too: cloud-init renders /etc/hosts with them in images that have manage_etc_hosts switched on.
    ...(names === undefined
      ? {}
      : { preserve_hostname: true, hostname: names.hostname, ...(names.fqdn === undefined ? {} : { fqdn: names.fqdn }) }),
    ...(request.prefer_fqdn_over_hostname === undefined ? {} : { prefer_fqdn_over_hostname: request.prefer_fqdn_over_hostname }),
    ...(request.manage_etc_hosts === undefined ? {} : { manage_etc_hosts: false }),
    ...(ssh_pwauth === undefined ? {} : { ssh_pwauth }),
    ...(disable_root === undefined ? {} : { disable_root }),
    ...(request.disable_root_opts === undefined ? {} : { disable_root_opts: request.disable_root_opts }),
    ...accounts(request, defaultUser, login),
    ...(request.locale === undefined ? {} : { locale: request.locale }),
    ...(request.timezone === undefined ? {} : { timezone: request.timezone }),
    ...(keepsRootPartition(request) ? { growpart: { mode: 'off' } } : {}),
    ...(request.resize_rootfs === false ? { resize_rootfs: false } : {}),
  }
}

/** Left to itself cloud-init grows it. */
const keepsRootPartition = ({ growpart }: DeployRequest) =>
  growpart !== undefined && (growpart.mode === 'off' || !growpart.devices.includes('/'))

/**
 * cloud-init goes through its `users` on every new instance: it makes the default user, and locks the password of each unless told otherwise, also of
 * accounts that exist. A request with a list of its own and no `default` in it wants no default user.
 */
function accounts(request: DeployRequest, defaultUser: string, login: LoginAccount | undefined): CloudConfig {
  const wantsDefault = !listsUsers(request) || request.users?.some((user) => 'default' in user) === true
  const named = (request.users ?? []).filter((user): user is UserRequest => 'name' in user)
  const hasPassword =
    request.password !== undefined ||
    (login?.name === defaultUser && login.hasPassword) ||
    request.chpasswd?.users.some(({ name }) => name === defaultUser) === true ||
    named.some(({ name, lock_passwd }) => name === defaultUser && !lock_passwd)
  return {
    ...(wantsDefault ? {} : { users: [] }),
    ...(hasPassword ? { system_info: { default_user: { lock_passwd: false } } } : {}),
  }
}
