import type { CatalogueEntry } from '../error-catalogue.ts'

/** Codes of the daemon's configuration: host.conf, its own file, environment and flags. */
export const configErrors = {
  CONFIG_INVALID: {
    summary: 'A value of the configuration is malformed, or a file is not YAML. The message has file, line and key, never the value.',
    remedy: 'Correct the value at that place. "host-deployer config explain" shows every value and where it came from.',
  },
  CONFIG_KEY_UNKNOWN: {
    summary: 'The settings file has a key that does not exist. The message has its line and the likely spelling.',
    remedy: 'Correct the spelling, or remove the key. Keys of host.conf belong into host.conf.',
  },
  CONFIG_FLAG_UNKNOWN: {
    summary: 'An option of "serve" or "config explain" does not exist.',
    remedy: 'Correct the spelling; "host-deployer serve --help" lists the options.',
  },
  CONFIG_DRIVER_UNKNOWN: {
    summary: 'image_deploy_driver is none of qemu-kvm, nbd and libguestfs.',
    remedy: 'Choose one of them, or name any driver with the key "driver" of the settings file.',
  },
  CONFIG_FILE_UNREADABLE: {
    summary: 'A configuration file cannot be read: no permission, no regular file, no UTF-8, larger than 1 MiB, or --settings names none.',
    remedy: 'Check the path, the permissions and the contents of the file.',
  },
  CONFIG_FILE_MISSING: {
    summary: '--config or common_config_file names a file that does not exist. It counts as empty, as in the field.',
    remedy: 'Correct the path, or create the file: it is watched, and read as soon as it exists.',
    finding: true,
  },
  CONFIG_KEYS_IGNORED: {
    summary: 'host.conf or the command line has keys of other programs of the platform. They are left out.',
    remedy: 'Nothing needs to be done. With the log level debug the daemon names them.',
    finding: true,
  },
  CONFIG_KEY_WITHOUT_EFFECT: {
    summary: 'The common file has keys that the platform reads only from host.conf and the local file.',
    remedy: 'Move them into host.conf or host_local.conf if they were meant for this host.',
    finding: true,
  },
  CONFIG_REPLACED: {
    summary:
      'A shared host option of host.conf does not count, because common_config_file replaces all of them and does not have this one.',
    remedy: 'Put the key into the common file, into host_local.conf, or into the settings file.',
    finding: true,
  },
  CONFIG_DRIVER_REPLACED: {
    summary: 'image_deploy_driver is libguestfs, for which there is no driver; the VM of qemu-kvm does the same.',
    remedy: 'Write image_deploy_driver: qemu-kvm.',
    finding: true,
  },
  CONFIG_IMAGES_TRUSTED: {
    summary: "The driver nbd hands images to this machine's kernel. A file system made to break a kernel can break this one.",
    remedy: 'Use qemu-kvm for images of other people.',
    finding: true,
  },
  CONFIG_NEEDS_RESTART: {
    summary: 'A file was edited, and one of its values cannot change while the daemon runs: a socket or a directory.',
    remedy: 'Restart the daemon when it suits; the other values count already.',
    finding: true,
  },
  CONFIG_VARIABLE_UNKNOWN: {
    summary: 'The environment has a variable that begins with HOST_DEPLOYER_ and is not a setting.',
    remedy: 'Correct the spelling, or leave it when it belongs to something else.',
    finding: true,
  },
} satisfies Record<string, CatalogueEntry>
