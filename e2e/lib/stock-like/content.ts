// What an image of yunionos has (buildroot_conf of yunionio/yunionos: busybox-config-20180809, rootfs-x86_64.2021.08.2-0.conf, vm_etc_modules), in Debian's builds.

/** Applets of its busybox, as far as anybody could ask for them. Not there: stat, timeout, base64, split, tac, comm, nsenter, unshare, getfattr. */
export const applets: readonly string[] = [
  ...['[', '[[', 'ash', 'sh', 'awk', 'basename', 'cat', 'chgrp', 'chmod', 'chown', 'chroot', 'cmp', 'cp', 'cut', 'date', 'dd', 'df', 'diff', 'dirname'],
  ...['dmesg', 'du', 'echo', 'egrep', 'env', 'expr', 'false', 'fgrep', 'find', 'free', 'fsfreeze', 'grep', 'gunzip', 'gzip', 'head', 'hexdump'],
  ...['hostname', 'id', 'ifconfig', 'insmod', 'ip', 'kill', 'killall', 'less', 'ln', 'losetup', 'ls', 'lsmod', 'lsscsi', 'md5sum', 'mdev', 'mkdir'],
  ...['mkfifo', 'mknod', 'mktemp', 'modinfo', 'modprobe', 'more', 'mv', 'nc', 'od', 'passwd', 'paste', 'patch', 'pidof', 'ping', 'poweroff', 'printf'],
  ...['ps', 'pwd', 'readlink', 'realpath', 'reboot', 'rm', 'rmdir', 'rmmod', 'route', 'sed', 'seq', 'setsid', 'sha1sum', 'sha256sum', 'sha512sum'],
  ...['shred', 'sleep', 'sort', 'strings', 'switch_root', 'sync', 'tail', 'tar', 'tee', 'test', 'time', 'touch', 'tr', 'true', 'truncate', 'udhcpc'],
  ...['umount', 'uname', 'uniq', 'unlink', 'uptime', 'usleep', 'vi', 'wc', 'wget', 'which', 'xargs', 'xxd', 'yes'],
]

/** Programs of other packages. Not there: sftp-server, attr, wipefs, partx, btrfs-progs, cryptsetup, coreutils, findutils. */
export const programs: readonly string[] = [
  ...['busybox', 'dropbear'],
  // util-linux with few of its parts
  ...['blkdiscard', 'blkid', 'blockdev', 'fdisk', 'findmnt', 'flock', 'fstrim', 'lsblk', 'mkswap', 'mount', 'mountpoint', 'sfdisk', 'swaplabel'],
  ...['parted', 'partprobe', 'sgdisk', 'lvm', 'lvs', 'lvcreate', 'lvextend', 'pvs', 'pvcreate', 'pvresize', 'vgs', 'vgcreate', 'vgchange'],
  ...['dmsetup', 'mdadm', 'e2fsck', 'fsck.ext4', 'mke2fs', 'mkfs.ext4', 'tune2fs', 'resize2fs'],
  ...['xfs_repair', 'xfs_growfs', 'mkfs.xfs', 'xfs_db', 'xfs_admin', 'mkfs.f2fs', 'fsck.f2fs', 'resize.f2fs', 'mkfs.fat', 'fsck.fat'],
  ...['ntfsfix', 'ntfs-3g', 'mkntfs', 'ntfsresize'],
]

export const modules: readonly string[] = [
  ...['drivers/scsi/virtio_scsi', 'drivers/scsi/sd_mod', 'drivers/scsi/sr_mod', 'drivers/block/virtio_blk', 'drivers/net/virtio_net'],
  ...['fs/xfs/xfs', 'fs/btrfs/btrfs', 'fs/fat/*', 'fs/isofs/isofs', 'fs/nls/*', 'drivers/md/dm-mod', 'drivers/md/dm-snapshot'],
  ...['crypto/crc32_generic', 'crypto/blake2b_generic', 'crypto/xxhash_generic'],
]
