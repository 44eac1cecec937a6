import { OperationError } from '@host-deployer/driver-api'
import { defineOperation } from '../operation.ts'
import { accountPaths, findUser, writeAccountFiles } from '../strategies/accounts/account-files.ts'
import { chooseLoginAccount } from '../strategies/accounts/choose-login-account.ts'
import { openAccounts } from '../strategies/accounts/open-accounts.ts'
import { expirePassword, setPassword } from '../strategies/accounts/password-field.ts'
import { requestedPasswords } from '../strategies/accounts/requested-accounts.ts'

/**
 * Sets the passwords of `chpasswd` and `password` and unlocks their accounts. A password that is in force already is left alone, its dates, too;
 * one that changes has to be changed again at the first login unless `chpasswd.expire` is false or a hash was given. A random password is a new one
 * in every run. The password of `login_account` comes before these.
 */
export const password = defineOperation<true>({
  id: 'password',
  after: ['users', 'group-members'],
  reads: accountPaths,
  select: ({ password, chpasswd }) => (password !== undefined || (chpasswd?.users.length ?? 0) > 0 ? true : undefined),
  stage: async (context) => {
    const passwords = requestedPasswords(context)
    if (passwords.size === 0) {
      context.diagnose({
        severity: 'warning',
        code: 'PASSWORD_NOT_SET',
        summary: '"password" is for the default user, which "users" does not list',
        path: 'password',
      })
      return 'skipped'
    }
    const files = await openAccounts(context)
    const overridden = context.request.login_account?.password === undefined ? undefined : await chooseLoginAccount(context, files)
    for (const [name, { password, expire }] of passwords) {
      if (name === overridden) continue
      if (findUser(files, name) === undefined) {
        throw new OperationError('OPERATION_USER_MISSING', `The password of ${name} cannot be set: there is no such user`, {
          hint: 'List the account under "users", or correct its name.',
          context: { name },
        })
      }
      const { changed, generated } = setPassword(files, name, password, context.ambient)
      if (generated !== undefined) context.generated(name, generated)
      if (changed && expire) expirePassword(files, name)
    }
    await writeAccountFiles(context.fs, files)
    return undefined
  },
})
