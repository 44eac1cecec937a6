/** Programs taken from the packages, by name, out of /usr/bin or /usr/sbin. Busybox fills the gaps with its applets. */
export const programs: readonly string[] = [
  'busybox',
  // coreutils
  ...[
    '[',
    'b2sum',
    'base64',
    'basename',
    'cat',
    'chgrp',
    'chmod',
    'chown',
    'chroot',
    'cksum',
    'comm',
    'cp',
    'cut',
    'date',
    'dd',
    'df',
    'dirname',
  ],
  ...[
    'du',
    'echo',
    'env',
    'expr',
    'false',
    'head',
    'id',
    'install',
    'ln',
    'ls',
    'md5sum',
    'mkdir',
    'mkfifo',
    'mknod',
    'mktemp',
    'mv',
    'nproc',
  ],
  ...[
    'numfmt',
    'od',
    'printenv',
    'printf',
    'pwd',
    'readlink',
    'realpath',
    'rm',
    'rmdir',
    'seq',
    'sha1sum',
    'sha256sum',
    'sha512sum',
    'sleep',
  ],
  ...[
    'sort',
    'split',
    'stat',
    'stdbuf',
    'sync',
    'tac',
    'tail',
    'tee',
    'test',
    'timeout',
    'touch',
    'tr',
    'true',
    'truncate',
    'uname',
    'uniq',
  ],
  ...['unlink', 'wc', 'yes'],
  // findutils, tar, attr, acl, diffutils, gzip
  ...['find', 'xargs', 'tar', 'getfattr', 'setfattr', 'getfacl', 'setfacl', 'cmp', 'diff', 'gzip'],
  // util-linux
  ...[
    'blkdiscard',
    'blkid',
    'blockdev',
    'fallocate',
    'findmnt',
    'flock',
    'fsck',
    'fsfreeze',
    'fstrim',
    'losetup',
    'lsblk',
    'mkswap',
    'mount',
  ],
  ...['mountpoint', 'nsenter', 'partx', 'setpriv', 'setsid', 'sfdisk', 'swaplabel', 'switch_root', 'umount', 'unshare', 'wipefs'],
  // partitions
  ...['parted', 'partprobe', 'sgdisk'],
  // lvm2, device mapper, md, luks
  ...['lvm', 'lvchange', 'lvcreate', 'lvdisplay', 'lvextend', 'lvreduce', 'lvremove', 'lvrename', 'lvresize', 'lvs', 'lvscan'],
  ...['pvchange', 'pvck', 'pvcreate', 'pvdisplay', 'pvremove', 'pvresize', 'pvs', 'pvscan'],
  ...[
    'vgchange',
    'vgck',
    'vgcreate',
    'vgdisplay',
    'vgexport',
    'vgextend',
    'vgimport',
    'vgimportclone',
    'vgmknodes',
    'vgreduce',
    'vgremove',
  ],
  ...['vgrename', 'vgs', 'vgscan', 'dmsetup', 'mdadm', 'mdmon', 'cryptsetup'],
  // ext
  ...['e2fsck', 'fsck.ext2', 'fsck.ext3', 'fsck.ext4', 'mke2fs', 'mkfs.ext2', 'mkfs.ext3', 'mkfs.ext4', 'tune2fs', 'e2label', 'resize2fs'],
  ...['debugfs', 'dumpe2fs', 'chattr', 'lsattr', 'zerofree'],
  // xfs, btrfs
  ...['xfs_repair', 'xfs_growfs', 'mkfs.xfs', 'xfs_db', 'xfs_admin', 'xfs_info', 'xfs_io', 'fsck.xfs'],
  ...['btrfs', 'btrfstune', 'mkfs.btrfs', 'fsck.btrfs'],
  // fat, ntfs, f2fs
  ...['mkfs.fat', 'mkfs.vfat', 'fsck.fat', 'fsck.vfat', 'fatlabel'],
  ...['mkntfs', 'mkfs.ntfs', 'ntfsfix', 'ntfsresize', 'ntfslabel', 'ntfsinfo', 'ntfs-3g', 'ntfs-3g.probe', 'mount.ntfs-3g', 'mount.ntfs'],
  ...['mkfs.f2fs', 'fsck.f2fs', 'resize.f2fs'],
  // the way in
  ...['dropbear', 'socat', 'socat1'],
]

/** Files taken as they are: path in the package -> path in the appliance. */
export const files: Readonly<Record<string, string>> = {
  // Where Debian's dropbear was compiled to look for it.
  'usr/lib/openssh/sftp-server': 'usr/lib/sftp-server',
  // The login shell, which each command pays for.
  'usr/lib/klibc/bin/sh': 'usr/lib/host-deployer/sh',
  'etc/mke2fs.conf': 'etc/mke2fs.conf',
}

/** Kernel modules besides what is built in (ext4, fuse, virtio-pci, virtio-console, vmgenid); what they depend on comes along. */
export const modules: readonly string[] = [
  'drivers/scsi/virtio_scsi',
  'drivers/scsi/sd_mod',
  'drivers/scsi/sr_mod',
  'drivers/block/virtio_blk',
  'drivers/block/loop',
  'drivers/block/nbd',
  'drivers/net/virtio_net',
  'drivers/char/hw_random/virtio-rng',
  'fs/xfs/xfs',
  'fs/btrfs/btrfs',
  'fs/fat/*',
  'fs/exfat/exfat',
  'fs/ntfs3/ntfs3',
  'fs/isofs/isofs',
  'fs/udf/udf',
  'fs/squashfs/squashfs',
  'fs/overlayfs/overlay',
  'fs/nls/*',
  ...[
    'mod',
    'crypt',
    'integrity',
    'log',
    'mirror',
    'raid',
    'snapshot',
    'thin-pool',
    'verity',
    'zero',
    'cache',
    'cache-smq',
    'writecache',
  ].map((name) => `drivers/md/dm-${name}`),
  ...['md-mod', 'raid0', 'raid1', 'raid10', 'raid456'].map((name) => `drivers/md/${name}`),
  // what btrfs, LUKS and cryptsetup's benchmark of key derivation ask for by name
  ...[
    'af_alg',
    'algif_hash',
    'algif_skcipher',
    'blake2b_generic',
    'crc32_generic',
    'cryptd',
    'crypto_simd',
    'essiv',
    'xts',
    'xxhash_generic',
  ].map((name) => `crypto/${name}`),
  ...['serpent_generic', 'twofish_generic', 'wp512', 'rmd160', 'lrw', 'adiantum', 'authenc'].map((name) => `crypto/${name}`),
  ...['aesni-intel', 'crc32c-intel', 'crc32-pclmul', 'crct10dif-pclmul', 'sha256-ssse3', 'sha512-ssse3'].map(
    (name) => `arch/x86/crypto/${name}`,
  ),
]

/** Tried in this order on the way to readiness; all the others are loaded when the kernel asks for them. */
export const kernelCommandLine = [
  // Errors and worse reach the console, nothing else; a panic ends QEMU (with -no-reboot) at once.
  ...['console=ttyS0', 'quiet', 'panic=-1'],
  // No limit of half the memory on what the initramfs unpacks to.
  'rootfstype=ramfs',
  // What a throw-away VM need not find out or defend.
  ...['tsc=reliable', 'no_timer_check', 'cryptomgr.notests', 'rcupdate.rcu_expedited=1', 'random.trust_cpu=on', 'mitigations=off'],
  ...['8250.nr_uarts=1', 'audit=0', 'ipv6.disable=1', 'lsm=capability', 'init_on_alloc=0', 'nowatchdog', 'numa=off'],
  // Disks given at start are found before modprobe returns; `manual` would be quicker, but ignores disks plugged in later.
  'scsi_mod.scan=sync',
  // Parts of the kernel that take up to half a second each under emulation and that nothing here uses: a random number generator besides the
  // kernel's own, keys for TPM and signatures, integrity measurement, names for tracing.
  `initcall_blacklist=${[
    ...['jent_mod_init', 'crypto_kdf108_init', 'init_encrypted', 'load_system_certificate_list', 'init_ima', 'init_evm', 'trace_eval_init'],
  ].join(',')}`,
].join(' ')
