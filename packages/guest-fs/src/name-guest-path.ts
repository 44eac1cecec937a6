import { FsError } from '@host-deployer/driver-api'
import type { GuestPath } from './guest-path.ts'

const hints: Partial<Record<FsError['kind'], string>> = {
  'no-space': 'Free some space in the guest, or grow the disk in the same request.',
  'read-only': "Check the guest's file system: a damaged one is mounted read-only.",
}

/** Awaits a primitive and lets its error speak of the guest's path instead of the tool host's. Other errors, a lost connection say, pass as they are. */
export async function nameGuestPath<Result>(path: GuestPath, primitive: Promise<Result>): Promise<Result> {
  try {
    return await primitive
  } catch (error) {
    if (!FsError.is(error)) throw error
    const hint = hints[error.kind]
    throw new FsError(error.kind, path, undefined, { cause: error, ...(hint === undefined ? {} : { hint }) })
  }
}
