import type { LoginAccountRequest, UserRequest } from '@host-deployer/api'
import { InputError, OperationError } from '@host-deployer/driver-api'
import { isAuthorizedKey, type PasswdEntry } from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import { defineOperation, type StageContext } from '../operation.ts'
import { type AccountFiles, accountPaths, findGroup, findUser, writeAccountFiles } from '../strategies/accounts/account-files.ts'
import { changeAuthorizedKeys, diagnoseUnreadKeys, locateAuthorizedKeys } from '../strategies/accounts/authorized-keys-file.ts'
import { chooseLoginAccount } from '../strategies/accounts/choose-login-account.ts'
import { isAsRequested } from '../strategies/accounts/create-account.ts'
import { createHome } from '../strategies/accounts/create-home.ts'
import { ensureAccount } from '../strategies/accounts/ensure-account.ts'
import { openAccounts } from '../strategies/accounts/open-accounts.ts'
import { setPassword, unlockPassword } from '../strategies/accounts/password-field.ts'
import { readSshdSettings, type SshdSettings, sshdValue, writeSshdSettings } from '../strategies/accounts/sshd-settings.ts'
import { stageSudoRules, sudoPaths } from '../strategies/accounts/stage-sudo-rules.ts'

type Context = StageContext<LoginAccountRequest>

const bash = '/bin/bash'

/**
 * `login_account`: the one account that a platform hands out (see {@link chooseLoginAccount} for which one). A named one is made when it is missing, with
 * a home, bash where the guest has it, and sudo without a password. Its password is set as chpasswd(8) does and counts at once; keys come and go, other
 * lines of authorized_keys stay. The SSH server lets it in: `PermitRootLogin yes` for root, `PasswordAuthentication yes` for a password. What it says
 * comes after, and wins over, `users`, `chpasswd`, `ssh_pwauth` and `disable_root` of the same request.
 *
 * `OPERATION_LOGIN_ACCOUNT_MISSING` for a guest without any account to log in to, `INPUT_SSH_KEY_INVALID`, `INPUT_PASSWORD_INVALID`, and what making an
 * account throws.
 */
export const loginAccount = defineOperation<LoginAccountRequest>({
  id: 'login-account',
  after: ['users', 'group-members', 'password', 'sudo', 'ssh-keys', 'ssh-server'],
  reads: [...accountPaths, ...sudoPaths, '/etc/ssh/sshd_config', '/etc/ssh/sshd_config.d/', '/root/.ssh/authorized_keys'],
  select: ({ login_account }) => login_account,
  stage: async (context) => {
    const { fs, input } = context
    if (!input.ssh_authorized_keys.every(isAuthorizedKey)) throw badKey()
    const files = await openAccounts(context)
    const name = await chooseLoginAccount(context, files)
    if (name === undefined) throw noAccount()
    await ensureNamed(context, files)
    if (input.password !== undefined) {
      const { generated } = setPassword(files, name, input.password, context.ambient)
      if (generated !== undefined) context.generated(name, generated)
      unlockPassword(files, name)
    }
    const account = findUser(files, name)
    if (account === undefined) throw noAccount()
    await writeAccountFiles(fs, files)
    const settings = await readSshdSettings(fs)
    await stageKeys(context, files, account, settings)
    await openServer(context, name, settings)
    context.loginAccount.choose({ name, hasPassword: input.password !== undefined, hasKeys: input.ssh_authorized_keys.length > 0 })
  },
})

async function ensureNamed(context: Context, files: AccountFiles): Promise<void> {
  const { fs, input } = context
  if (input.name === undefined || input.name === 'root') return
  const user = await newUser(context, files, input.name)
  // One that was there before us keeps everything.
  if (findUser(files, user.name) === undefined || isAsRequested(files, user)) await ensureAccount(context, files, user)
  await stageSudoRules(fs, [user], context.diagnose)
}

async function newUser({ fs }: Context, files: AccountFiles, name: string): Promise<UserRequest> {
  const hasBash = await fs.exists(guestPath(bash))
  return {
    name,
    ...(hasBash ? { shell: bash } : {}),
    // A group of that name, `admin` for instance, must not keep the account from being made.
    ...(findGroup(files, name) === undefined ? {} : { primary_group: name }),
    groups: [],
    create_groups: true,
    no_user_group: false,
    no_create_home: false,
    system: false,
    lock_passwd: false,
    sudo: ['ALL=(ALL) NOPASSWD:ALL'],
    ssh_authorized_keys: [],
    ssh_redirect_user: false,
  }
}

async function stageKeys(
  { fs, input, diagnose }: Context,
  files: AccountFiles,
  account: PasswdEntry,
  settings: SshdSettings | undefined,
): Promise<void> {
  const { ssh_authorized_keys: add, remove_ssh_keys: remove } = input
  if (add.length === 0 && remove.bodies.length === 0 && remove.comment === undefined) return
  const patterns = settings === undefined ? undefined : sshdValue(settings, 'AuthorizedKeysFile')
  const location = locateAuthorizedKeys(account, patterns)
  if (add.length > 0) {
    await createHome(fs, files, account)
    diagnoseUnreadKeys(location, patterns, diagnose)
  }
  await changeAuthorizedKeys(fs, account, location, { add, remove })
}

async function openServer({ fs, input, diagnose }: Context, name: string, settings: SshdSettings | undefined): Promise<void> {
  const values = new Map<string, string>()
  const hasPassword = input.password !== undefined
  if (name === 'root' && (hasPassword || input.ssh_authorized_keys.length > 0)) values.set('PermitRootLogin', 'yes')
  if (hasPassword) values.set('PasswordAuthentication', 'yes')
  if (settings !== undefined && values.size > 0) await writeSshdSettings(fs, settings, values)
  if (settings === undefined && (hasPassword || input.ssh_authorized_keys.length > 0)) {
    diagnose({
      severity: 'warning',
      code: 'SSH_SERVER_ABSENT',
      summary: `The guest has no OpenSSH server: ${name} can log in at the console only`,
      path: '/etc/ssh/sshd_config',
    })
  }
}

function noAccount(): OperationError {
  return new OperationError('OPERATION_LOGIN_ACCOUNT_MISSING', 'The guest has no account that a person could log in to', {
    hint: 'Name one in "login_account": it is made then.',
  })
}

function badKey(): InputError {
  return new InputError('INPUT_SSH_KEY_INVALID', 'Not an SSH public key line, from "login_account"', {
    hint: 'Give the line of a .pub file: type, base64 and comment.',
    context: { path: 'login_account.ssh_authorized_keys' },
  })
}
