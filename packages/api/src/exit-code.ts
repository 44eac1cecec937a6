import { DeployError } from '@host-deployer/driver-api'

/**
 * Exit codes of the command: 0 done, 1 a fault of ours, 2 bad input or usage, 3 image refused or locked, 4 no driver works here, 5 no supported
 * guest found, 6 an operation failed, 7 timed out or cancelled.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7

/** By code, where the family's own does not fit: not every trouble with what is on a disk is about finding a guest there. */
const byCode: Readonly<Record<string, ExitCode>> = {
  BLOCK_NOT_EMPTY: 3,
  BLOCK_DISK_TOO_SMALL: 3,
  BLOCK_DISK_READ_ONLY: 3,
  BLOCK_FILESYSTEM_READ_ONLY: 6,
  BLOCK_FORMAT_FAILED: 6,
  BLOCK_GROW_FAILED: 6,
  BLOCK_UNMOUNT_FAILED: 6,
}

const byFamily: Readonly<Record<string, ExitCode>> = {
  INPUT: 2,
  CONFIG: 2,
  USAGE: 2,
  IMAGE: 3,
  DRIVER: 4,
  APPLIANCE: 4,
  QEMU: 4,
  BLOCK: 5,
  GUEST: 5,
  CAPABILITY: 6,
  CLEANUP: 6,
  EXEC: 6,
  FS: 6,
  OPERATION: 6,
  DAEMON: 6,
  TIMEOUT: 7,
  ABORTED: 7,
}

/** Words before the first underscore: `INPUT` of `INPUT_YAML_INVALID`. */
export const codeFamily = (code: string) => code.split('_', 1)[0] ?? code

/** The exit code of an error code; 1 for a family that is not known. A code that ends in `_TIMEOUT` is a timeout whatever ran out of time. */
export function exitCodeOfCode(code: string): ExitCode {
  if (code.endsWith('_TIMEOUT')) return 7
  return byCode[code] ?? byFamily[codeFamily(code)] ?? 1
}

/** The exit code for whatever was thrown. Anything but a `DeployError` is a fault of ours. */
export function exitCodeOf(error: unknown): ExitCode {
  return DeployError.isInstance(error) ? exitCodeOfCode(error.code) : 1
}
