/** Globs with `*` in the last segment only. Where a line names a directory's content, the directory itself stays: packages own it. */
export interface IdentityPaths {
  /** Files and links that go. */
  readonly files: readonly string[]
  /** Directories whose content goes as a whole. */
  readonly contentOf: readonly string[]
}

/** What tells one machine from another, or tells what one machine has done. Each group says who makes it and who makes it anew. */
export const identityPaths: IdentityPaths = {
  files: [
    // sshd(8), dropbear(8): made anew by ssh-keygen -A, by dropbear itself.
    ...['/etc/ssh/ssh_host_*', '/etc/dropbear/dropbear_*_host_key'],
    // systemd-random-seed.service(8), sysvinit's urandom, bootctl(1): an equal seed on many machines is worse than none.
    ...['/var/lib/systemd/random-seed', '/var/lib/urandom/random-seed', '/var/lib/random-seed'],
    ...['/boot/loader/random-seed', '/boot/efi/loader/random-seed', '/efi/loader/random-seed'],
    // systemd-creds(1), NetworkManager's stable-privacy: keys of this machine, made anew when they are missing.
    ...['/var/lib/systemd/credential.secret', '/var/lib/NetworkManager/secret_key'],
    // dhclient, dhcpcd, NetworkManager: leases, and identifiers sent with a request.
    ...['/var/lib/dhcp/*', '/var/lib/dhclient/*', '/var/lib/dhcpcd/*', '/var/lib/dhcpcd5/*', '/etc/dhcpcd.duid', '/etc/dhcpcd.secret'],
    ...['/var/lib/NetworkManager/*.lease', '/var/lib/NetworkManager/*.leases', '/var/lib/NetworkManager/timestamps'],
    '/var/lib/NetworkManager/seen-bssids',
    // udev of the days before predictable names: which card was eth0. An empty generator file is a mask and stays.
    '/etc/udev/rules.d/*persistent-net.rules',
    // lastlog2, wtmpdb: who logged in and when.
    ...['/var/lib/lastlog/lastlog2.db*', '/var/lib/wtmpdb/wtmp.db*'],
    // apt(8): packages and indexes of packages; the directories and the lock are expected to be there.
    ...['/var/cache/apt/archives/*.deb', '/var/cache/apt/archives/partial/*', '/var/cache/apt/*.bin'],
  ],
  contentOf: [
    '/tmp',
    '/var/tmp',
    // cloud-init: which instance this is, and what it was told.
    '/var/lib/cloud',
    // kdump, apport, systemd-coredump, systemd-pstore, abrt: memory of programs that crashed.
    ...['/var/crash', '/var/lib/apport/coredump', '/var/lib/systemd/coredump', '/var/lib/systemd/pstore', '/var/spool/abrt'],
    // Package caches of the other families.
    ...['/var/cache/dnf', '/var/cache/yum', '/var/cache/zypp/packages', '/var/cache/pacman/pkg'],
  ],
}

/** What shells and tools remember, in the home directories. Directories of that name are somebody's own. */
export const historyNames: ReadonlySet<string> = new Set([
  ...['.bash_history', '.zsh_history', '.zhistory', '.ash_history', '.sh_history', '.history', '.python_history', '.lesshst', '.viminfo'],
  ...['.mysql_history', '.mariadb_history', '.psql_history', '.sqlite_history', '.rediscli_history', '.node_repl_history', '.wget-hsts'],
])

/** Older copies of a log, as logrotate(8), savelog(8) and journald name them. */
export const isRotatedLog = (name: string): boolean => /\.(gz|xz|bz2|zst|lz4|old|\d+)$|-\d{8}(-\d+)?$|\.journal~?$/.test(name)
