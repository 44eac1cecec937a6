import type { ImageDefinition } from './image-definitions.ts'

/**
 * What the kernel is told besides its console. On a busy machine it may take late ticks for a broken timer; the tests have checked the file systems before they
 * boot; there is one serial port.
 */
export const quickKernelOptions = 'mitigations=off norandmaps no_timer_check fsck.mode=skip 8250.nr_uarts=1'

const initramfsModules: Readonly<Record<ImageDefinition['layout'], readonly string[]>> = {
  'gpt-ext4': ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'ext4'],
  'gpt-boot-lvm-xfs': ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'xfs', 'dm_mod'],
}

// Of some hundred devices that are there when udev starts: disks, network, what their modules are found by, the power button, the console.
const coldplug = `[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add ${['block', 'virtio', 'net', 'pci', 'input', 'acpi'].map((name) => `--subsystem-match=${name}`).join(' ')}
ExecStart=-udevadm trigger --action=add --subsystem-match=tty --sysname-match=ttyS0
`

const unwantedUnits = [
  // Housekeeping that would start while the tests look.
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'e2scrub_reap.service'],
  ...['fstrim.timer', 'xfs_scrub_all.timer', 'grub-common.service', 'lvm2-monitor.service', 'blk-availability.service'],
  // File systems, modules and records that nothing here looks at; each costs a process or two.
  ...['sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'sys-kernel-config.mount', 'sys-fs-fuse-connections.mount'],
  ...['dev-hugepages.mount', 'dev-mqueue.mount', 'proc-sys-fs-binfmt_misc.automount', 'systemd-binfmt.service'],
  ...['modprobe@.service', 'kmod-static-nodes.service', 'systemd-modules-load.service', 'systemd-udev-load-credentials.service'],
  ...['systemd-update-utmp.service', 'systemd-update-utmp-runlevel.service', 'systemd-pstore.service'],
  // There is no screen.
  'getty@tty1.service',
]

/** Hooks of mmdebstrap. In emulation a guest boots in a minute or in half of one; what is left out here is no part of what the tests are about. */
export function quickBoot(layout: ImageDefinition['layout']): readonly string[] {
  return [
    // An initramfs with what these disks need instead of every driver.
    hook('essential', write('/etc/initramfs-tools/conf.d/quick-boot', 'MODULES=list\nRESUME=none\n')),
    hook('essential', write('/usr/share/initramfs-tools/modules.d/quick-boot', `${initramfsModules[layout].join('\n')}\n`)),
    hook('customize', write('/etc/systemd/system/systemd-udev-trigger.service.d/quick-boot.conf', coldplug)),
    // Host keys are made at the first boot, as the cloud images do it; one kind will do, RSA takes seconds. Fails when it is there.
    hook(
      'customize',
      write(
        '/etc/systemd/system/ssh.service.d/host-keys.conf',
        '[Service]\nExecStartPre=\nExecStartPre=-/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key\nExecStartPre=/usr/sbin/sshd -t\n',
      ),
    ),
    hook(
      'customize',
      `[ ! -d "$1/etc/cloud" ] || { ${write('/etc/cloud/cloud.cfg.d/05-host-keys.cfg', 'ssh_genkeytypes: [ed25519]\n')}; }`,
    ),
    ...unwantedUnits.map((unit) => hook('customize', `ln -sf /dev/null "$1/etc/systemd/system/${unit}"`)),
    // ConditionNeedsUpdate of systemd.unit(5): the caches of hardware names, libraries and messages are as the packages made them.
    hook('customize', 'touch -d "+1 hour" "$1/etc/.updated" "$1/var/.updated"'),
  ]
}

function hook(when: 'essential' | 'customize', script: string): string {
  return `--${when}-hook=${script}`
}

/** A shell command of a hook; the content has no apostrophes. */
function write(path: string, content: string): string {
  return `printf %s '${content}' | install -D -m 0644 /dev/stdin "$1${path}"`
}
