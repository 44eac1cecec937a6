import { dirname } from 'node:path/posix'
import { DeployError, type FileType, FsError, type FsErrorKind } from '@host-deployer/driver-api'
import { saysLost } from './exec-errors.ts'
import { fileTypeOfMode } from './local-raw-fs.ts'
import type { SftpClient } from './sftp-client.ts'

// What OpenSSH's sftp-server makes of an errno (errno_to_portable): ENOENT, ENOTDIR, ELOOP -> 2; EPERM, EACCES -> 3; ENAMETOOLONG, EINVAL -> 5;
// everything else -> 4. So a failed call is followed by a look at what is there.
const NO_SUCH_FILE = 2
const PERMISSION_DENIED = 3
const BAD_MESSAGE = 5
const OP_UNSUPPORTED = 8

export type SftpOperation = 'lstat' | 'readlink' | 'readdir' | 'open' | 'create' | 'rename' | 'unlink' | 'rmdir' | 'set'

const NAME_MAX = 255
const PATH_MAX = 4096

function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) >= PATH_MAX || path.split('/').some((segment) => Buffer.byteLength(segment) > NAME_MAX)
}

async function typeAt(sftp: SftpClient, path: string): Promise<FileType | undefined> {
  try {
    return fileTypeOfMode((await sftp.lstat(path)).mode)
  } catch (error) {
    // A lost connection is not "nothing there".
    if (DeployError.isInstance(error)) throw error
    return undefined
  }
}

/** `not-found` or, when something on the way that should be a directory is none, `not-a-directory`. */
async function whyMissing(sftp: SftpClient, path: string): Promise<FsErrorKind> {
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    const type = await typeAt(sftp, parent)
    if (type === undefined && parent !== '/') continue
    return type === undefined || type === 'directory' || type === 'symlink' ? 'not-found' : 'not-a-directory'
  }
}

async function whyRefused(sftp: SftpClient, operation: SftpOperation, path: string, to: string): Promise<FsErrorKind | undefined> {
  const there = await typeAt(sftp, path)
  if (operation === 'create') {
    if (there !== undefined) return 'already-exists'
    if ((await typeAt(sftp, dirname(path))) === undefined) return whyMissing(sftp, path)
  } else if (there === undefined) return whyMissing(sftp, path)
  if (operation === 'readlink' && there !== 'symlink') return 'not-a-symlink'
  if (operation === 'readdir' && there !== 'directory') return 'not-a-directory'
  if (operation === 'unlink' && there === 'directory') return 'is-a-directory'
  if (operation === 'rmdir') return there === 'directory' ? undefined : 'not-a-directory'
  if (operation !== 'rename') return undefined
  const target = await typeAt(sftp, to)
  if (target === undefined) return (await typeAt(sftp, dirname(to))) === 'directory' ? undefined : whyMissing(sftp, to)
  if (target === 'directory') return there === 'directory' ? 'not-empty' : 'is-a-directory'
  return there === 'directory' ? 'not-a-directory' : undefined
}

async function kindOf(sftp: SftpClient, status: unknown, operation: SftpOperation, path: string, to: string): Promise<FsErrorKind> {
  if (status === BAD_MESSAGE && (isTooLong(path) || isTooLong(to))) return 'name-too-long'
  if (status === OP_UNSUPPORTED) return 'not-supported'
  if (status === NO_SUCH_FILE && operation === 'lstat') return whyMissing(sftp, path)
  const found = await whyRefused(sftp, operation, path, to)
  if (found !== undefined) return found
  const state = await sftp.state(dirname(to)).catch(() => undefined)
  if (state?.readOnly === true) return 'read-only'
  if (status === PERMISSION_DENIED) return 'permission-denied'
  if (operation === 'rmdir') return 'not-empty'
  return state?.full === true ? 'no-space' : 'io'
}

/**
 * Finds out what a failed sftp call really met: sftp version 3 has one status for a dozen errno values. A lost connection is what it is: no word about a
 * file. `to` is the second path of a rename.
 */
export async function sftpFsError(
  sftp: SftpClient,
  error: unknown,
  operation: SftpOperation,
  path: string,
  to = path,
): Promise<DeployError> {
  if (FsError.is(error) || saysLost(error)) return error
  try {
    const status = (error as { code?: unknown }).code
    const kind = await kindOf(sftp, status, operation, path, to)
    return new FsError(kind, path, undefined, { cause: error, context: { operation, status } })
  } catch (looking) {
    if (saysLost(looking)) return looking
    return new FsError('io', path, undefined, { cause: looking, context: { operation } })
  }
}
