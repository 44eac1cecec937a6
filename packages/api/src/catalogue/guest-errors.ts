import type { CatalogueEntry } from '../error-catalogue.ts'

/** Codes about the guest's operating system. */
export const guestErrors = {
  GUEST_UNSUPPORTED: {
    summary: 'The operating system in the image is not one that host-deployer can change.',
    remedy: 'See the list of distributions in the documentation.',
  },
  GUEST_NO_ACCOUNTS: {
    summary: 'The guest has no /etc/passwd and /etc/group to make accounts in.',
    remedy: 'Check that it is a complete installation.',
  },
  PROFILE_BY_FAMILY: {
    summary: 'The distribution is not known by name; the head of its family is used.',
    remedy: 'Check the result; report the distribution so that it gets a profile.',
    finding: true,
  },
  OPERATION_USER_MISSING: {
    summary: 'The request is about a user who exists neither in the guest nor in the request.',
    remedy: 'Add the user to "users".',
  },
  OPERATION_LOGIN_ACCOUNT_MISSING: {
    summary: 'login_account names no account, and the guest has none that a person could log in to.',
    remedy: 'Give login_account a name: the account is made then.',
  },
  OPERATION_GROUP_MISSING: {
    summary: 'A group that a user shall be in does not exist, and making it was not allowed.',
    remedy: 'Add it to "groups", or set create_groups.',
  },
  OPERATION_GROUP_EXISTS: {
    summary: 'The group that a new user would get exists already.',
    remedy: 'Give primary_group or no_user_group.',
  },
  OPERATION_UID_TAKEN: {
    summary: 'The uid asked for belongs to another user.',
    remedy: 'Choose another uid, or leave it out.',
  },
  OPERATION_NO_FREE_ID: {
    summary: "There is no free uid, gid or range of subordinate ids in the ranges of the guest's login.defs.",
    remedy: 'Widen the ranges in the guest, or give a uid.',
  },
  OPERATION_OWNER_UNKNOWN: {
    summary: 'The owner of a file in write_files exists neither in the guest nor in the request.',
    remedy: 'Add the user or group, or give numbers. Files for users made by packages need "defer".',
  },
  OPERATION_HOSTNAME_UNSUPPORTED: {
    summary: 'host-deployer does not know how this distribution keeps its host name.',
    remedy: 'Leave hostname out.',
  },
  OPERATION_HOSTS_UNSUPPORTED: {
    summary: 'host-deployer does not know how this distribution keeps its hosts file.',
    remedy: 'Leave manage_etc_hosts out.',
  },
  OPERATION_LOCALE_UNKNOWN: {
    summary: 'The guest does not have the locale and cannot compile it.',
    remedy: 'Choose one that it has, or install the locale in the image.',
  },
  OPERATION_LOCALE_UNSUPPORTED: {
    summary: 'host-deployer does not know how this distribution keeps its locale.',
    remedy: 'Leave locale out.',
  },
  OPERATION_TIMEZONE_UNKNOWN: {
    summary: "The guest's time zone database has no zone of that name.",
    remedy: 'Check the name, or install tzdata in the image.',
  },
  OPERATION_TIMEZONE_UNSUPPORTED: {
    summary: 'host-deployer does not know how this distribution keeps its time zone.',
    remedy: 'Leave timezone out.',
  },
  OPERATION_NETWORK_UNSUPPORTED: {
    summary: 'The guest has no network manager that can do what the request asks.',
    remedy: 'Install netplan, systemd-networkd or ifupdown in the image, or simplify the request.',
  },
  OPERATION_FIRST_BOOT_UNSUPPORTED: {
    summary: 'Commands for the first boot need systemd in the guest.',
    remedy: 'Leave runcmd and bootcmd out.',
  },
  OPERATION_CLOUD_INIT_ABSENT: {
    summary: '--cloud-init delegate needs cloud-init in the image.',
    remedy: 'Use keep, or install cloud-init in the image.',
  },
  CLOUD_INIT_NETWORK_DISABLED: {
    summary: "The image's own configuration keeps its cloud-init from configuring the network.",
    remedy: 'Remove that configuration, or use --cloud-init keep.',
    finding: true,
  },
  CLOUD_INIT_USER_DATA_WINS: {
    summary:
      'cloud-init leaves alone what was configured, unless a data source gives it user-data of its own. With --cloud-init delegate: user-data is of a kind that only cloud-init reads, and wins over what the command line says.',
    remedy: 'Use --cloud-init disable to rule that out; with delegate, see that user-data does not say the same things.',
    finding: true,
  },
  GROUP_MEMBER_MISSING: {
    summary: 'A group has a member who is no user.',
    remedy: 'Add the user, or remove it from the group.',
    finding: true,
  },
  USER_EXISTS: {
    summary: 'A user exists already; only what cloud-init would change is changed.',
    remedy: 'Nothing needs to be done.',
    finding: true,
  },
  HOME_EXISTS: {
    summary: 'The home directory of a new user exists already and is left as it is.',
    remedy: 'Check its owner.',
    finding: true,
  },
  SHELL_MISSING: {
    summary: 'The login shell of a user is not in the image.',
    remedy: 'Install it, or choose another shell.',
    finding: true,
  },
  PASSWORD_NOT_SET: {
    summary: 'A password was not set: its account is not among the users, or it is only for new ones.',
    remedy: 'Name the account in chpasswd.',
    finding: true,
  },
  MOUNT_LISTED: {
    summary: "A line of mounts was not added: the guest's fstab lists its device or its mount point already.",
    remedy: 'Nothing needs to be done, unless it was meant to be another one.',
    finding: true,
  },
  HOSTNAME_NOT_RESOLVABLE: {
    summary: 'The guest will not be able to resolve its own name.',
    remedy: 'Set manage_etc_hosts.',
    finding: true,
  },
  LOCALE_NOT_COMPILED: {
    summary: 'The locale is set and not compiled in the guest yet.',
    remedy: 'Compile it in the image, or with a command in runcmd.',
    finding: true,
  },
  SEAL_HOST_KEYS: {
    summary: 'A sealed guest has no SSH host keys, and nothing in it that would make new ones at its next boot.',
    remedy: 'Run "ssh-keygen -A" in each machine made of it.',
    finding: true,
  },
  SEAL_KEEPS_NETWORK: {
    summary: 'A sealed guest keeps its network configuration.',
    remedy: 'Deploy each machine made of it with a network configuration of its own, or write one that suits all.',
    finding: true,
  },
  SSH_KEYS_NOT_READ: {
    summary: 'The SSH server of the guest is configured to read keys from elsewhere.',
    remedy: 'Check AuthorizedKeysFile in sshd_config.',
    finding: true,
  },
  SSH_KEYS_WITHOUT_USER: {
    summary: 'Keys were given for the default user, and the request makes none.',
    remedy: 'Add "default" to "users", or give the keys to a user.',
    finding: true,
  },
  SSH_SERVER_ABSENT: {
    summary: 'The guest has no SSH server.',
    remedy: 'Install openssh-server in the image.',
    finding: true,
  },
  SUDO_NOT_INSTALLED: {
    summary: 'Sudo rules are written for a guest without sudo.',
    remedy: 'Install sudo in the image.',
    finding: true,
  },
  TIMEZONE_DATABASE_ABSENT: {
    summary: 'The guest has no time zone database, so the name could not be checked.',
    remedy: 'Install tzdata in the image.',
    finding: true,
  },
  NETWORK_DHCP_CLIENT_ABSENT: {
    summary: 'The request asks for DHCP, and the image has no client for it.',
    remedy: 'Install isc-dhcp-client or dhcpcd in the image, or give static addresses.',
    finding: true,
  },
  NETWORK_DNS_UNMANAGED: {
    summary: 'Nothing in the guest makes /etc/resolv.conf of the name servers.',
    remedy: 'Give nameservers in the request, or install systemd-resolved in the image.',
    finding: true,
  },
  NETWORK_OPTION_IGNORED: {
    summary: "The guest's network manager cannot do something the request asks for.",
    remedy: 'Leave the option out, or use an image with another network manager.',
    finding: true,
  },
} satisfies Record<string, CatalogueEntry>
