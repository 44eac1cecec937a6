import type { CatalogueEntry } from '../error-catalogue.ts'

/** Codes about tools, files and time. */
export const fileErrors = {
  FS_NOT_FOUND: {
    summary: 'A file or directory does not exist.',
    remedy: 'See the path in the error.',
  },
  FS_ALREADY_EXISTS: {
    summary: 'A file to be made exists already.',
    remedy: 'See the path in the error.',
  },
  FS_NOT_A_DIRECTORY: {
    summary: 'A directory was expected, and something else is there.',
    remedy: 'Remove what is in the way in the guest, or choose another path.',
  },
  FS_IS_A_DIRECTORY: {
    summary: 'A file was expected, and a directory is there.',
    remedy: 'Remove what is in the way in the guest, or choose another path.',
  },
  FS_NOT_A_FILE: {
    summary: 'A regular file was expected, and a device, pipe or link is there.',
    remedy: 'Remove what is in the way in the guest, or choose another path.',
  },
  FS_NOT_A_SYMLINK: {
    summary: 'A symbolic link was expected, and something else is there.',
    remedy: 'See the path in the error.',
  },
  FS_NOT_EMPTY: {
    summary: 'A directory to be removed is not empty.',
    remedy: 'See the path in the error.',
  },
  FS_PERMISSION_DENIED: {
    summary: 'The file system refused the access: immutable files, or a mount without rights.',
    remedy: 'Check the attributes of the file (lsattr) in the guest.',
  },
  FS_READ_ONLY: {
    summary: 'The file system is read-only.',
    remedy: 'Check it with its own fsck: a damaged one is mounted so.',
  },
  FS_NO_SPACE: {
    summary: 'The file system is full. Nothing was changed if this happened before the commit.',
    remedy: 'Free space in the guest, or grow the disk.',
  },
  FS_TOO_LARGE: {
    summary: 'A file is larger than what is read into memory.',
    remedy: 'See the path in the error; the file is not what it should be.',
  },
  FS_NAME_TOO_LONG: {
    summary: 'A name is longer than the file system allows.',
    remedy: 'Choose a shorter path.',
  },
  FS_SYMLINK_LOOP: {
    summary: 'Following symbolic links in the guest does not come to an end.',
    remedy: 'Correct the links in the guest.',
  },
  FS_INVALID_PATH: {
    summary: 'A path cannot be used, for instance because of NUL in it.',
    remedy: 'Correct the path.',
  },
  FS_NOT_SUPPORTED: {
    summary: 'The file system or the transport cannot do what is needed.',
    remedy: 'Use another driver.',
  },
  FS_IO: {
    summary: 'Reading or writing failed.',
    remedy: 'Check the disk that the image lies on, and the image itself with fsck.',
  },
  EXEC_FAILED: {
    summary: 'A tool ended with an error. Its last words are in the error.',
    remedy: "See the tool's message.",
  },
  EXEC_NOT_FOUND: {
    summary: 'A tool that is needed is not there.',
    remedy: 'Install it, or build the appliance again; host-deployer doctor lists what is missing.',
  },
  EXEC_TIMEOUT: {
    summary: 'A tool did not end in time and was killed.',
    remedy: 'Try again with a longer timeout; emulation without KVM is slow.',
  },
  EXEC_OUTPUT_LIMIT: {
    summary: 'A tool printed more than is read, and was killed.',
    remedy: 'The disk holds far more than a guest should; check the image.',
  },
  EXEC_CONNECTION_LOST: {
    summary: 'The connection to the place where tools run broke.',
    remedy: 'Try again; with --keep-on-failure the console is kept.',
  },
  TIMEOUT_BOOT: {
    summary: 'The VM did not become ready in time.',
    remedy: 'Give the driver a longer boot timeout; see host-deployer doctor about KVM.',
  },
  TIMEOUT_QMP: {
    summary: 'QEMU did not answer in time.',
    remedy: 'Try again on a machine with less load.',
  },
  TIMEOUT_SSH_LOGIN: {
    summary: 'Nobody could log in to the VM in time.',
    remedy: 'Try again on a machine with less load.',
  },
  ABORTED: {
    summary: 'The work was cancelled by its caller, a signal or the timeout of the command. Everything acquired was released.',
    remedy: 'Run it again; the same request gives the tree of an uninterrupted run.',
  },
  INTERNAL: {
    summary: 'A fault of host-deployer.',
    remedy: 'Report it with the steps that led there and the output of --json.',
  },
} satisfies Record<string, CatalogueEntry>
