import type { UserRequest } from '@host-deployer/api'
import type { Diagnostic } from '@host-deployer/driver-api'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import type { Ambient } from '../../operation.ts'
import { type AccountFiles, findUser, fromAccountText } from './account-files.ts'
import { neverExpires } from './account-lines.ts'
import { completeAccount, createAccount, isAsRequested } from './create-account.ts'
import { createHome, createMailSpool } from './create-home.ts'

export interface EnsureContext {
  readonly fs: WritableGuestFs
  readonly ambient: Ambient
  diagnose(diagnostic: Diagnostic): void
}

/** cloud-init makes no home for system accounts; one whose keys are all ours has to have it. */
const wantsHome = ({ no_create_home, system, ssh_authorized_keys_only: only }: UserRequest) => !no_create_home && (!system || only === true)

/**
 * Makes the account or completes it; returns whether it is new and has no password yet. An account that exists with other attributes keeps them
 * (diagnostic `USER_EXISTS`). With `ssh_authorized_keys_only` the home is made anew when it is missing, and the account does not expire.
 */
export async function ensureAccount(context: EnsureContext, files: AccountFiles, user: UserRequest): Promise<boolean> {
  const { fs, ambient, diagnose } = context
  const isPlatforms = user.ssh_authorized_keys_only === true
  const existing = findUser(files, user.name)
  if (existing !== undefined && !isAsRequested(files, user)) {
    diagnose({
      severity: 'info',
      code: 'USER_EXISTS',
      summary: `The user ${user.name} exists: number, groups, home and shell stay as they are`,
      path: '/etc/passwd',
    })
    if (!isPlatforms) return false
    neverExpires(files, user.name, ambient.now)
    if (wantsHome(user)) await createHome(fs, files, existing)
    return false
  }
  const account = existing ?? createAccount(files, user, ambient.now)
  const isNew = existing === undefined || completeAccount(files, user, existing, ambient.now)
  if (isPlatforms) neverExpires(files, user.name, ambient.now)
  if (wantsHome(user) && !(await createHome(fs, files, account)) && isNew) {
    diagnose({
      severity: 'info',
      code: 'HOME_EXISTS',
      summary: 'The skeleton is not copied into a home directory that exists',
      path: fromAccountText(account.home),
    })
  }
  if (!user.system) await createMailSpool(fs, files, account)
  const shell = fromAccountText(account.shell)
  if (isNew && shell !== '' && !(await fs.exists(guestPath(shell)))) {
    diagnose({
      severity: 'warning',
      code: 'SHELL_MISSING',
      summary: `The guest has no shell ${shell}: ${user.name} cannot log in`,
      path: shell,
    })
  }
  return isNew
}
