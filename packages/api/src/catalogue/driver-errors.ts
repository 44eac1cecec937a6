import type { CatalogueEntry } from '../error-catalogue.ts'

/** Codes about drivers, appliance and configuration. */
export const driverErrors = {
  TEMPLATE_UNUSABLE: {
    summary:
      'No saved VM could be made or restored on this host, so the session booted. The detail says why: no room, a cache that others may write to or nobody can, an old appliance, a QEMU that does not take its own state.',
    remedy:
      'It works all the same, a few seconds slower. `host-deployer doctor` says what is missing; `host-deployer appliance warm` tries again at once, else it is tried again ten minutes later. The driver option `template: off` does without.',
    finding: true,
  },
  DRIVER_TEMPLATE_FAILED: {
    summary:
      'A template, a booted and saved appliance, could not be made: no room, a cache that cannot be used, or QEMU could not save its state.',
    remedy:
      'The message says why. Make room in the cache directory, or rebuild the appliance; sessions work without, a few seconds slower.',
  },
  DRIVER_RESTORE_FAILED: {
    summary: 'A saved VM did not come back to life. The session boots then, and the template is thrown away.',
    remedy: 'Nothing: the next session makes a new template. When it happens each time, set the driver option `template: off`.',
  },
  TRACES_KEPT: {
    summary:
      'Console log, QMP trace and command line of the failed session were kept, as `--keep-on-failure` asks; of a probe or a dry run the overlay with everything that was written, too. A deploy writes to the image itself, which stays as the failure left it: when the phase of the error comes before `commit`, nothing was written to it, and from then on every file is either old or new.',
    remedy: 'Look into the directory that is named; remove it when you are done. The same deploy again completes one that was cut off.',
    finding: true,
  },
  APPLIANCE_MISSING: {
    summary: 'There is no appliance, the kernel and initramfs that the VM boots.',
    remedy: 'Build one with "host-deployer appliance build", or install one with "host-deployer appliance install".',
  },
  APPLIANCE_DAMAGED: {
    summary: 'A file of the appliance does not have the checksum in its manifest, or the manifest cannot be read.',
    remedy: 'Build or install the appliance again.',
  },
  APPLIANCE_TOOL_MISSING: {
    summary: 'A stock appliance lacks a program without which disks cannot be found or mounted.',
    remedy: 'Use an initramfs that has util-linux, or our own appliance.',
  },
  APPLIANCE_NO_XATTRS: {
    summary: 'A stock appliance has no getfattr and setfattr: SELinux labels and file capabilities of files that are replaced are lost.',
    remedy: 'Use our own appliance for guests that enforce SELinux, or have them relabel at boot.',
    finding: true,
  },
  APPLIANCE_INCOMPATIBLE: {
    summary: 'The appliance speaks another API version, or is for another architecture.',
    remedy: 'Install an appliance that fits this release.',
  },
  APPLIANCE_OUT_OF_MEMORY: {
    summary: 'The appliance ran out of memory, usually because a large file system had to be recovered.',
    remedy: "Give the VM more memory with the driver's memory option.",
  },
  APPLIANCE_CONSOLE: {
    summary: 'The last lines on the console of the appliance, kept with an error.',
    remedy: 'Read them for what happened inside the VM.',
    finding: true,
  },
  APPLIANCE_BUILD_ARCHITECTURE: {
    summary: 'An appliance for this architecture cannot be built yet.',
    remedy: 'Build for x86_64.',
  },
  APPLIANCE_BUILD_NO_MIRROR: {
    summary: 'The apt configuration of this machine names no mirror to take packages from.',
    remedy: 'Add a source for Debian packages to apt.',
  },
  CONFIG_DRIVER_FILE: {
    summary: 'The file given with --driver-config is not a JSON object.',
    remedy: "Write the driver's options as one JSON object.",
  },
  CONFIG_WORK_DIRECTORY: {
    summary: 'The work directory cannot be used: it cannot be made, or belongs to somebody else.',
    remedy: 'Name another one, or correct its owner and mode.',
  },
  DRIVER_NOT_FOUND: {
    summary: 'There is no driver of that name: no package is called so, and no file is at that path.',
    remedy: 'Correct --driver; "host-deployer drivers" lists those that are installed.',
  },
  DRIVER_IMPORT_FAILED: {
    summary: 'The driver was found and could not be loaded. The reason is in the error.',
    remedy: 'Install the driver again, or correct it if it is yours.',
  },
  DRIVER_NOT_EXPORTED: {
    summary: 'The module was loaded and exports nothing called "driver".',
    remedy: 'Check that it is the right package; if it is yours, export `driver`.',
  },
  DRIVER_NAME_TAKEN: {
    summary: 'The driver calls itself by a name that belongs to another one; the names of our drivers belong to our packages.',
    remedy: 'Give the driver a name of its own.',
  },
  DRIVER_UNUSABLE: {
    summary: 'The driver says that it does not work on this machine. Its findings are in the message.',
    remedy: 'Do what the hint says, or name another driver; "host-deployer drivers" shows what each of them lacks.',
  },
  DRIVER_INVALID: {
    summary: 'The module is no driver: what it exports lacks something of the driver contract.',
    remedy: 'Check that it is the right package, and the contract in driver-api if it is yours.',
  },
  DRIVER_API_UNSUPPORTED: {
    summary: 'The driver was made for another version of the driver contract.',
    remedy: 'Install a version of the driver that fits this release of host-deployer.',
  },
  DRIVER_OPTIONS_INVALID: {
    summary: 'The options given to the driver are not valid.',
    remedy: 'Correct the options the message names.',
  },
  DRIVER_KVM_UNUSABLE: {
    summary: 'KVM was demanded and does not work here.',
    remedy: 'Use "accel: auto" or "accel: tcg"; host-deployer doctor says what is wrong.',
  },
  KVM_UNUSABLE: {
    summary: 'KVM does not work here, so the VM runs in emulation, several times slower.',
    remedy: 'See host-deployer doctor; nested virtualisation may have to be enabled.',
    finding: true,
  },
  DRIVER_QEMU_MISSING: {
    summary: 'QEMU is not installed.',
    remedy: 'Install the package qemu-system-x86.',
  },
  DRIVER_SETPRIV_MISSING: {
    summary: 'setpriv is needed to run QEMU as an unprivileged user, and is not installed.',
    remedy: 'Install the package util-linux.',
  },
  DRIVER_QEMU_NOT_STARTED: {
    summary: 'QEMU could not be started.',
    remedy: "See the system's own error in the message.",
  },
  DRIVER_QEMU_EXITED: {
    summary: 'QEMU ended by itself. Its last words are in the error.',
    remedy: 'See host-deployer doctor; try "accel: tcg".',
  },
  DRIVER_QMP_LOST: {
    summary: 'The control connection to QEMU broke.',
    remedy: 'Try again; with --keep-on-failure the traces are kept.',
  },
  DRIVER_QMP_REFUSED: {
    summary: 'QEMU refused a command.',
    remedy: 'Check that its version is supported with host-deployer doctor.',
  },
  DRIVER_APPLIANCE_PANIC: {
    summary: "The kernel of the appliance panicked. The console's last lines are in the error.",
    remedy: 'Try more memory; with --keep-on-failure the whole console is kept.',
  },
  DRIVER_VM_SILENT: {
    summary: 'The VM started and never said anything: an accelerator that does not work.',
    remedy: 'Try "accel: tcg".',
  },
  DRIVER_DISK_NOT_FOUND: {
    summary: 'A disk did not appear inside the VM.',
    remedy: 'Try again; with --keep-on-failure the traces are kept.',
  },
  DRIVER_SSH_FAILED: {
    summary: 'The SSH connection into the VM failed.',
    remedy: 'Try again; with --keep-on-failure the console is kept.',
  },
  DRIVER_SSH_DENIED: {
    summary: 'The SSH server in the VM refused the login; of a stock appliance: until the deadline of its boot.',
    remedy: 'Check the password file named by the driver option stock.passwordFile, and its user name.',
  },
  DRIVER_STOCK_FILE: {
    summary: 'The kernel, the initramfs or the password file of a stock appliance cannot be read.',
    remedy: 'Correct the paths in the driver option stock.',
  },
  DRIVER_FORWARD_FAILED: {
    summary: 'QEMU does not listen on the port that leads into the VM of a stock appliance.',
    remedy: 'Use a QEMU that was built with user networking (libslirp); Debian has it.',
  },
  DRIVER_SSH_HOST_KEY: {
    summary: 'The SSH server is not the one that was expected: its host key is another.',
    remedy: 'Do not go on. Check what is listening there.',
  },
  CAPABILITY_FILESYSTEM_TOOL: {
    summary: 'The program that makes this kind of file system is not where the disk is. Nothing was changed.',
    remedy: 'With qemu-initramfs, use an appliance that has it; with a driver that works on this machine, install it here.',
  },
  CAPABILITY_PARTITION_NODES: {
    summary: 'The disk has partitions, and the kernel of the tool host shows none.',
    remedy: 'Use --driver qemu-initramfs.',
  },
  DRIVER_IMAGE_NOT_TRUSTED: {
    summary: 'The driver lets the kernel of this machine mount the image, and nobody has declared that the image can be trusted.',
    remedy: 'Use --driver qemu-initramfs, or say --trust-image for an image of your own.',
  },
  DRIVER_NOT_PERMITTED: {
    summary: 'Attaching and mounting disks on this machine takes root.',
    remedy: 'Run as root, or use --driver qemu-initramfs.',
  },
  DRIVER_PROGRAM_MISSING: {
    summary: 'A program that the driver starts is not on this machine.',
    remedy: 'Install the package that the message names.',
  },
  DRIVER_PROGRAM_FAILED: {
    summary: 'A program that the driver needs could not be started.',
    remedy: 'The message has the reason of the system: no memory, too many processes, not executable.',
  },
  DRIVER_NAMESPACE_FAILED: {
    summary: 'No private mount namespace could be made for the session.',
    remedy: 'Run as root (in a container: privileged), with util-linux installed.',
  },
  DRIVER_LOOP_FAILED: {
    summary: 'No loop device could be attached.',
    remedy: 'Look with losetup --list what uses them, and whether /dev/loop-control is there.',
  },
  DRIVER_FUSE_FAILED: {
    summary: 'nbdfuse could not show the image as a file.',
    remedy: 'Check that /dev/fuse is there; the message has its reason.',
  },
  DRIVER_NBD_ATTACH_FAILED: {
    summary: 'nbd-client ended instead of attaching the image to a device.',
    remedy: "The message has its reason, dmesg perhaps more. The driver option attach: fuse does without the kernel's nbd.",
  },
  DRIVER_NBD_EXPORT_FAILED: {
    summary: 'qemu-nbd ended instead of serving the image.',
    remedy: 'The message has its reason.',
  },
  DRIVER_NBD_TIMEOUT: {
    summary: 'The image was not attached in time.',
    remedy: 'Give it longer with the driver option attachTimeoutMs; the storage under the image may be slow.',
  },
  DRIVER_NBD_MODULE: {
    summary: "The kernel's nbd was asked for and cannot be used: there is no module, or it was loaded without partitions.",
    remedy: 'modprobe nbd max_part=16, or take the driver option attach: fuse.',
  },
  DRIVER_NBD_NO_FREE_DEVICE: {
    summary: 'Every nbd device of this machine is in use.',
    remedy:
      'Run "host-deployer reclaim" (a daemon does it by itself, every minute), load the module with a larger nbds_max, or take the driver option attach: fuse.',
  },
  NBD_FUSE_USED: {
    summary: "Disks were attached through nbdfuse and a loop device, since the kernel's nbd cannot be used here. The detail says why.",
    remedy: 'Nothing has to be done. With the module nbd and max_part above 0 the kernel does it alone.',
    finding: true,
  },
  LEASE_QUARANTINED: {
    summary: 'Something could not be released when its session ended, and waits in the journal.',
    remedy:
      'End what uses it, then run "host-deployer reclaim", with --state-directory for what a daemon left (it tries again by itself, every minute).',
    finding: true,
  },
  LEASE_ORPHANED: {
    summary: 'Something that a killed process left behind is still there.',
    remedy: 'Run "host-deployer reclaim", with --state-directory for what a daemon left (it frees that by itself, every minute).',
    finding: true,
  },
  LEASE_FREED: {
    summary: 'Something that a killed process left behind was released.',
    remedy: 'Nothing needs to be done.',
    finding: true,
  },
  LEASE_NOT_FREED: {
    summary: 'Something that a killed process left behind could not be released. It stays in the journal, and the rest goes on.',
    remedy:
      'End what the finding names as using it, then run "host-deployer reclaim" again (a daemon tries again by itself, every minute).',
    finding: true,
  },
  LEASE_UNREADABLE: {
    summary: 'A note about host resources cannot be read: it is damaged, or of a newer version.',
    remedy:
      'After a roll back, let the newer version reclaim it. Else look at the file that is named, and remove it when no other host-deployer runs.',
    finding: true,
  },
  CLEANUP_FLUSH_FAILED: {
    summary: 'Not everything that was written reached the image when it was closed.',
    remedy: 'Treat the image as damaged: check the disk it lies on, and deploy to a fresh copy.',
  },
  CLEANUP_RESIDUE: {
    summary: 'Something could not be released after the work was done: a device, a mount, a process, a directory.',
    remedy:
      'The image itself is complete. End what the message names as using it, then run "host-deployer reclaim" (a daemon tries again by itself, every minute).',
  },
} satisfies Record<string, CatalogueEntry>
