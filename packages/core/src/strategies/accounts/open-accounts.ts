import { GuestError } from '@host-deployer/driver-api'
import type { GuestFs } from '@host-deployer/guest-fs'
import type { DistroProfile } from '../../distro-profile.ts'
import { type AccountFiles, readAccountFiles } from './account-files.ts'

/** Reads the account files in the way the profile says. `GuestError`: `GUEST_UNSUPPORTED`, `GUEST_NO_ACCOUNTS`. */
export async function openAccounts({ fs, profile }: { readonly fs: GuestFs; readonly profile: DistroProfile }): Promise<AccountFiles> {
  if (profile.accounts !== 'shadow') {
    throw new GuestError('GUEST_UNSUPPORTED', `Accounts cannot be changed in a guest of the kind ${profile.id}`, {
      hint: 'Leave users, groups, passwords and keys out of the request.',
    })
  }
  return readAccountFiles(fs)
}
