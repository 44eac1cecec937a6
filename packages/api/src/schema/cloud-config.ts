import * as z from 'zod'
import type { Command } from '../request.ts'
import { chpasswd } from './chpasswd.ts'
import { groups } from './groups.ts'
import { keyed } from './keyed.ts'
import { loginAccount, selinux } from './login-account.ts'
import { mountDefaults, mounts } from './mounts.ts'
import { network } from './network.ts'
import { anyPassword } from './password.ts'
import { flag, guestPath, hostname, line, sshKeys, text } from './scalars.ts'
import { users } from './users.ts'
import { writeFiles } from './write-files.ts'

const withoutNul = text.refine((value) => !value.includes('\0'), 'cannot hold NUL')

/** `runcmd` and `bootcmd`: shell lines and argument lists. Empty entries do nothing. */
const commands = z.array(z.union([withoutNul, z.array(withoutNul), z.null()])).transform((entries) => entries.filter(isCommand))

const isCommand = (entry: string | string[] | null): entry is string | [string, ...string[]] => entry !== null && entry.length > 0

commands satisfies z.ZodType<Command[]>

const growpart = keyed({
  mode: z.union([z.enum(['auto', 'growpart', 'off']), z.literal(false)]).optional(),
  // `null` is an entry that was left out.
  devices: z.array(z.union([guestPath, z.null()])).optional(),
  ignore_growroot_disabled: flag.optional(),
}).transform(({ mode: given, devices = ['/'], ignore_growroot_disabled = false }, context) => {
  const mode = given === false || given === 'off' ? ('off' as const) : ('auto' as const)
  for (const [index, device] of devices.entries()) {
    if (mode === 'off' || device === '/' || device === null) continue
    const message = 'only the root file system, "/", can be grown yet'
    context.addIssue({ code: 'custom', path: ['devices', index], message, params: { code: 'INPUT_KEY_UNSUPPORTED' } })
  }
  return { mode, devices: devices.filter((device) => device !== null), ignore_growroot_disabled }
})

const manageEtcHosts = z
  .union([z.literal('localhost'), z.literal('template'), flag])
  .transform((value) => (value === 'template' ? true : value))

const timezone = text.refine(
  (value) => value.length <= 255 && value.split('/').every((part) => /^[A-Za-z0-9_+][A-Za-z0-9_+-]*$/.test(part)),
  'is not the name of a time zone, such as Europe/Berlin',
)

const localeName = text.refine((value) => /^[A-Za-z0-9_.@-]{1,64}$/.test(value), 'is not the name of a locale, such as en_US.UTF-8')

/** Keys of cloud-init's schema (24.x) that are not supported yet. */
const unsupported = [
  ...['allow_public_ssh_keys', 'ansible', 'apk_repos', 'apt', 'apt_pipelining', 'apt_reboot_if_required', 'apt_update', 'apt_upgrade'],
  ...['authkey_hash', 'autoinstall', 'byobu_by_default', 'ca-certs', 'ca_certs', 'chef', 'cloud_config_modules', 'cloud_final_modules'],
  ...[
    'cloud_init_modules',
    'create_hostname_file',
    'datasource',
    'datasource_list',
    'def_log_file',
    'device_aliases',
    'disable_ec2_metadata',
  ],
  ...['disable_piwiz', 'disk_setup', 'drivers', 'enable_rpi_connect', 'fan', 'final_message', 'fs_setup', 'grub-dpkg', 'grub_dpkg'],
  ...[
    'keyboard',
    'landscape',
    'launch-index',
    'log_cfgs',
    'lxd',
    'manage_resolv_conf',
    'mcollective',
    'merge_how',
    'merge_type',
    'migrate',
  ],
  ...['no_ssh_fingerprints', 'ntp', 'output', 'package_reboot_if_required', 'package_update'],
  ...['package_upgrade', 'packages', 'phone_home', 'power_state', 'puppet', 'random_seed', 'reporting', 'resolv_conf', 'rh_subscription'],
  ...['rpi', 'rpi_interfaces', 'rpi_userconf', 'rsyslog', 'salt_minion', 'snap', 'spacewalk', 'ssh', 'ssh_deletekeys'],
  ...['ssh_fp_console_blacklist', 'ssh_genkeytypes', 'ssh_import_id', 'ssh_key_console_blacklist', 'ssh_keys', 'ssh_publish_hostkeys'],
  ...['ssh_quiet_keygen', 'swap', 'syslog_fix_perms', 'system_info', 'ubuntu_advantage', 'ubuntu_pro', 'updates', 'user', 'vendor_data'],
  ...['version', 'wireguard', 'yum_repo_dir', 'yum_repos', 'zypper'],
]

/** user-data of the kind `#cloud-config`. Its output is made into a request by `parse-request.ts`. */
export const cloudConfig = keyed(
  {
    hostname: hostname.optional(),
    fqdn: hostname.optional(),
    prefer_fqdn_over_hostname: flag.optional(),
    preserve_hostname: flag.optional(),
    manage_etc_hosts: manageEtcHosts.optional(),
    users: users.optional(),
    groups: groups.optional(),
    chpasswd: chpasswd.optional(),
    password: anyPassword.optional(),
    ssh_authorized_keys: sshKeys.optional(),
    ssh_pwauth: z.union([z.literal('unchanged'), flag]).optional(),
    disable_root: flag.optional(),
    disable_root_opts: line.optional(),
    write_files: writeFiles.optional(),
    timezone: timezone.optional(),
    locale: z.union([z.literal(false), localeName]).optional(),
    locale_configfile: guestPath.optional(),
    growpart: growpart.optional(),
    resize_rootfs: z
      .union([z.literal('noblock'), flag])
      .transform((value) => value === 'noblock' || value)
      .optional(),
    network: network.optional(),
    runcmd: commands.optional(),
    bootcmd: commands.optional(),
    mounts: mounts.optional(),
    mount_default_fields: mountDefaults.optional(),
    // Not keys of cloud-init.
    login_account: loginAccount.optional(),
    selinux: selinux.optional(),
    seal: flag.optional(),
  },
  unsupported,
).superRefine(({ locale, locale_configfile }, context) => {
  // cloud-init would write its own default there.
  if (locale !== undefined || locale_configfile === undefined) return
  const message = 'is not supported yet without locale'
  context.addIssue({ code: 'custom', path: ['locale_configfile'], message, params: { code: 'INPUT_KEY_UNSUPPORTED' } })
})

export type CloudConfig = z.output<typeof cloudConfig>
