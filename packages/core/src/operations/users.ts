import type { UserRequest } from '@host-deployer/api'
import { InputError } from '@host-deployer/driver-api'
import { guestPath } from '@host-deployer/guest-fs'
import { defineOperation, type StageContext } from '../operation.ts'
import { type AccountFiles, accountPaths, findUser, fromAccountText, writeAccountFiles } from '../strategies/accounts/account-files.ts'
import { completeAccount, createAccount, isAsRequested } from '../strategies/accounts/create-account.ts'
import { createHome, createMailSpool } from '../strategies/accounts/create-home.ts'
import { openAccounts } from '../strategies/accounts/open-accounts.ts'
import { lockPassword, setPassword, unlockPassword } from '../strategies/accounts/password-field.ts'
import { asksForAccounts, requestedPasswords, requestedUsers } from '../strategies/accounts/requested-accounts.ts'

/**
 * Makes the users of the request with their groups, home directories and passwords. An account that exists keeps its attributes, as in
 * cloud-init: only its password and lock are set. Passwords of `chpasswd` and `password` are the business of the operation `password`.
 */
export const users = defineOperation<true>({
  id: 'users',
  after: ['groups'],
  reads: accountPaths,
  select: (request) => (asksForAccounts(request) ? true : undefined),
  stage: async (context) => {
    const requests = requestedUsers(context)
    if (requests.length === 0) return 'skipped'
    const files = await openAccounts(context)
    const later = requestedPasswords(context)
    for (const user of requests) {
      assertConsistent(user)
      const created = await ensureAccount(context, files, user)
      if (!later.has(user.name)) applyPassword(context, files, user, created)
    }
    await writeAccountFiles(context.fs, files)
    return undefined
  },
})

/** What cloud-init refuses, too. `INPUT_USER`. */
function assertConsistent({ name, no_create_home, system, ssh_authorized_keys, ssh_redirect_user }: UserRequest): void {
  const hasKeys = ssh_authorized_keys.length > 0
  if ((no_create_home || system) && (hasKeys || ssh_redirect_user)) {
    throw new InputError('INPUT_USER', `SSH keys of the user ${name} need a home directory`, {
      hint: 'Remove "no_create_home" or "system", or the keys.',
      context: { name },
    })
  }
  if (hasKeys && ssh_redirect_user) {
    throw new InputError('INPUT_USER', `The user ${name} has SSH keys and is to be redirected`, {
      hint: 'Remove "ssh_redirect_user" or "ssh_authorized_keys".',
      context: { name },
    })
  }
}

/** Makes the account or completes it; returns whether it is new and has no password yet. */
async function ensureAccount(context: StageContext<true>, files: AccountFiles, user: UserRequest): Promise<boolean> {
  const { fs, ambient, diagnose } = context
  const existing = findUser(files, user.name)
  if (existing !== undefined && !isAsRequested(files, user)) {
    diagnose({
      severity: 'info',
      code: 'USER_EXISTS',
      summary: `The user ${user.name} exists: number, groups, home and shell stay as they are`,
      path: '/etc/passwd',
    })
    return false
  }
  const account = existing ?? createAccount(files, user, ambient.now)
  const isNew = existing === undefined || completeAccount(files, user, existing, ambient.now)
  if (!user.no_create_home && !user.system && !(await createHome(fs, files, account)) && isNew) {
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

function applyPassword(
  { ambient, generated, diagnose }: StageContext<true>,
  files: AccountFiles,
  user: UserRequest,
  created: boolean,
): void {
  const { name, password, lock_passwd } = user
  const ignored = password?.only_new === true && !created
  if (ignored) {
    diagnose({
      severity: 'info',
      code: 'PASSWORD_NOT_SET',
      summary: `"passwd" counts only for a new user, and ${name} exists; use "hashed_passwd"`,
    })
  } else if (password !== undefined) {
    const result = setPassword(files, name, password, ambient)
    if (result.generated !== undefined) generated(name, result.generated)
  }
  if (lock_passwd) lockPassword(files, name)
  else if (!unlockPassword(files, name)) {
    diagnose({
      severity: 'warning',
      code: 'PASSWORD_NOT_SET',
      summary: `${name} has no password to unlock: "lock_passwd: false" needs one`,
    })
  }
}
