import type { CatalogueEntry } from '../error-catalogue.ts'

/** Codes about what is on the disk. */
export const blockErrors = {
  BLOCK_ROOT_NOT_FOUND: {
    summary: 'No file system on the disks holds an operating system.',
    remedy: 'Check that it is the right image, and that all disks of the guest are given.',
  },
  BLOCK_NO_ROOT: {
    summary: 'No file system on the disks holds an operating system that is known.',
    remedy: 'Check that it is the right image, and that all disks of the guest are given.',
  },
  BLOCK_ROOT_AMBIGUOUS: {
    summary: 'Several file systems look like the root.',
    remedy: 'Give only the disks of one guest.',
  },
  BLOCK_FILESYSTEM_UNSUPPORTED: {
    summary: "A file system is of a kind that the tool host's kernel cannot mount.",
    remedy: 'Use --driver qemu-initramfs, whose kernel knows most of them.',
  },
  BLOCK_FILESYSTEM_DAMAGED: {
    summary: 'A file system is damaged and was not mounted.',
    remedy: 'Repair a copy of it with its own fsck.',
  },
  BLOCK_FILESYSTEM_READ_ONLY: {
    summary: 'A file system could only be mounted read-only, since it is damaged or marked so.',
    remedy: 'Check it with its own fsck.',
  },
  BLOCK_MOUNT_FAILED: {
    summary: "A file system could not be mounted. The kernel's message is in the error.",
    remedy: 'See the message; check the file system with its own fsck.',
  },
  BLOCK_UNMOUNT_FAILED: {
    summary: 'A file system could not be unmounted.',
    remedy: 'Treat the image as not cleanly closed: check it with its own fsck.',
  },
  BLOCK_SCAN_FAILED: {
    summary: 'The disks could not be examined.',
    remedy: "See the tool's message in the error.",
  },
  BLOCK_LVM_FAILED: {
    summary: 'LVM could not be read or activated.',
    remedy: "See the tool's message in the error; give all disks of the guest.",
  },
  BLOCK_VG_CONFLICT: {
    summary:
      "The guest's volume group has the name or the uuid of one that this machine has already, and the driver shares the kernel with it.",
    remedy:
      'Use --driver qemu-initramfs, in whose VM there are no other volume groups. If the device that the message names is of another session, try again when that has ended.',
  },
  BLOCK_LVM_INCOMPLETE: {
    summary: 'A volume group lacks physical volumes.',
    remedy: 'Give all disks of the guest.',
    finding: true,
  },
  BLOCK_LVM_NAME_COLLISION: {
    summary: 'Two volume groups have the same name; only one is read.',
    remedy: 'Give only the disks of one guest.',
    finding: true,
  },
  BLOCK_LVM_CLONE: {
    summary: 'Two of the disks hold the same LVM physical volume: one is a clone of the other. That of the first disk is used.',
    remedy: 'Nothing to do when the first disk is the boot disk; otherwise give the disks in another order.',
    finding: true,
  },
  BLOCK_LVM_UNAVAILABLE: {
    summary: 'LVM was found, and the driver cannot activate it.',
    remedy: 'Use --driver qemu-initramfs.',
    finding: true,
  },
  BLOCK_TABLE_UNSUPPORTED: {
    summary: 'A disk has a partition table of a kind that is not read.',
    remedy: 'Convert it to GPT or MBR if the guest needs it.',
    finding: true,
  },
  BLOCK_FSTAB_UNREADABLE: {
    summary: "The guest's fstab cannot be read, so only the root is mounted.",
    remedy: 'Correct /etc/fstab in the guest.',
    finding: true,
  },
  BLOCK_FSTAB_OTHER_ROOT: {
    summary: "The guest's fstab names another root than the one found.",
    remedy: 'Check /etc/fstab in the guest.',
    finding: true,
  },
  BLOCK_MOUNT_MISSING: {
    summary: "The guest's fstab mounts something that is not on the disks given.",
    remedy: 'Give all disks of the guest if what is changed lies there.',
    finding: true,
  },
  BLOCK_MOUNT_SKIPPED: {
    summary: "An entry of the guest's fstab was not mounted.",
    remedy: 'Check the entry the finding names.',
    finding: true,
  },
  BLOCK_NOT_EMPTY: {
    summary: 'The disk that is to be formatted has something on it. Nothing was changed.',
    remedy: 'Check that it is the right image; if all that is on it may be lost, give --force.',
  },
  BLOCK_DISK_TOO_SMALL: {
    summary: 'The disk is too small for the file system that it is to get. Nothing was changed.',
    remedy: 'Make the disk larger, or choose another file system.',
  },
  BLOCK_DISK_READ_ONLY: {
    summary: 'The disk refuses writes. Nothing was changed.',
    remedy: 'Check who may write the image.',
  },
  BLOCK_FORMAT_FAILED: {
    summary: 'The disk could not be partitioned, or no file system could be made on it. What was on it is lost.',
    remedy: "See the tool's message in the error, and format it again.",
  },
  BLOCK_GROW_AMBIGUOUS: {
    summary: 'A larger disk could be given to several logical volumes, and no operating system says to which. Nothing was changed.',
    remedy: 'Say which one with --root-device.',
  },
  BLOCK_GROW_FAILED: {
    summary: 'A partition, volume or file system could not be enlarged.',
    remedy:
      "See the tool's message in the error. The image may have a larger partition around an unchanged file system; growing it again does the rest.",
  },
  GROW_DISABLED: {
    summary: 'The image has /etc/growroot-disabled, so its root partition was not enlarged, as cloud-init would not.',
    remedy: 'Give growpart with ignore_growroot_disabled: true, or --grow, if it is to be enlarged all the same.',
    finding: true,
  },
  GROW_NOT_LAST: {
    summary: 'Another partition, swap for instance, lies between what could use it and the free space of the disk: nothing was enlarged.',
    remedy: 'Move or remove that partition by hand, or leave out growpart.',
    finding: true,
  },
  GROW_MBR_LIMIT: {
    summary: 'The disk is larger than the 2 TiB that an MBR can address: what is on it was enlarged up to there.',
    remedy: 'Convert the disk to GPT to use the rest.',
    finding: true,
  },
  GROW_UNSUPPORTED: {
    summary: 'What is on the disk cannot be enlarged as it is laid out, or is of a kind that is not enlarged.',
    remedy: 'Enlarge it by hand; in a deploy, leave out growpart and resize_rootfs.',
    finding: true,
  },
} satisfies Record<string, CatalogueEntry>
