import type { UserRequest } from '@host-deployer/api'
import { InputError } from '@host-deployer/driver-api'
import { defineOperation, type StageContext } from '../operation.ts'
import { type AccountFiles, accountPaths, writeAccountFiles } from '../strategies/accounts/account-files.ts'
import { chooseLoginAccount } from '../strategies/accounts/choose-login-account.ts'
import { ensureAccount } from '../strategies/accounts/ensure-account.ts'
import { openAccounts } from '../strategies/accounts/open-accounts.ts'
import { lockPassword, setPassword, unlockPassword } from '../strategies/accounts/password-field.ts'
import { asksForAccounts, requestedPasswords, requestedUsers } from '../strategies/accounts/requested-accounts.ts'

/**
 * Makes the users of the request with their groups, home directories and passwords. An account that exists keeps its attributes, as in
 * cloud-init: only its password and lock are set. Passwords of `chpasswd` and `password` are the business of the operation `password`, that of the
 * login account is the business of `login-account`.
 */
export const users = defineOperation<true>({
  id: 'users',
  after: ['groups'],
  reads: [...accountPaths, '/home/', '/etc/skel/', ...['.bash_logout', '.bashrc', '.profile'].map((name) => `/etc/skel/${name}`)],
  select: (request) => (asksForAccounts(request) ? true : undefined),
  stage: async (context) => {
    const requests = requestedUsers(context)
    if (requests.length === 0) return 'skipped'
    const files = await openAccounts(context)
    const made: UserRequest[] = []
    for (const user of requests) {
      assertConsistent(user)
      if (await ensureAccount(context, files, user)) made.push(user)
    }
    const later = new Set(requestedPasswords(context).keys())
    // Set by `login-account`; a password in between would be another one in every run.
    if (context.request.login_account?.password !== undefined) later.add((await chooseLoginAccount(context, files)) ?? '')
    for (const user of requests) if (!later.has(user.name)) applyPassword(context, files, user, made.includes(user))
    await writeAccountFiles(context.fs, files)
    return undefined
  },
})

/** What cloud-init refuses, too. `INPUT_USER`. */
function assertConsistent({ name, no_create_home, system, ssh_authorized_keys, ssh_redirect_user, ...user }: UserRequest): void {
  const hasKeys = ssh_authorized_keys.length > 0
  const hasHome = !no_create_home && (!system || user.ssh_authorized_keys_only === true)
  if (!hasHome && (hasKeys || ssh_redirect_user)) {
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
