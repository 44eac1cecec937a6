import { FsError, type FsErrorKind } from '@host-deployer/driver-api'

const kinds: Readonly<Record<string, FsErrorKind>> = {
  ENOENT: 'not-found',
  EEXIST: 'already-exists',
  ENOTDIR: 'not-a-directory',
  EISDIR: 'is-a-directory',
  ENOTEMPTY: 'not-empty',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  EROFS: 'read-only',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'too-large',
  ENAMETOOLONG: 'name-too-long',
  ELOOP: 'symlink-loop',
  EOPNOTSUPP: 'not-supported',
  ENOTSUP: 'not-supported',
  ENOSYS: 'not-supported',
}

/** Translates an error of `node:fs` by its errno name (`errno(3)`). An `FsError` passes unchanged. */
export function fsErrorFromErrno(error: unknown, path: string): FsError {
  if (FsError.is(error)) return error
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return new FsError(kinds[code ?? ''] ?? 'io', path, undefined, { cause: error, context: code === undefined ? {} : { errno: code } })
}
