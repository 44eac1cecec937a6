import { InputError, OperationError } from '@host-deployer/driver-api'
import { isAuthorizedKey, parseAuthorizedKey } from '@host-deployer/formats'
import { defineOperation } from '../operation.ts'
import { accountPaths, findUser } from '../strategies/accounts/account-files.ts'
import { changeAuthorizedKeys, diagnoseUnreadKeys, locateAuthorizedKeys } from '../strategies/accounts/authorized-keys-file.ts'
import { openAccounts } from '../strategies/accounts/open-accounts.ts'
import {
  type AccountSubject,
  asksForAccounts,
  defaultUserKeys,
  requestedDefaultUser,
  requestedUsers,
} from '../strategies/accounts/requested-accounts.ts'
import { readSshdSettings, sshdValue } from '../strategies/accounts/sshd-settings.ts'

/** Options of a key that lets nobody in but says who may; `$USER` is the account to use instead, `$DISABLE_USER` this one. */
const refuseOptions = [
  'no-port-forwarding,no-agent-forwarding,no-X11-forwarding',
  `command="echo 'Please log in as \\"$USER\\", not as \\"$DISABLE_USER\\".';echo;sleep 10;exit 142"`,
].join(',')

/**
 * Puts public keys into the accounts' authorized_keys: each user's own, the request's and the meta-data's for the default user, and for root these
 * with a command that refuses the login (`disable_root`, the default) or as they are (`disable_root: false`). With `ssh_authorized_keys_only` a
 * user's file holds the user's keys and nothing else.
 */
export const sshKeys = defineOperation<true>({
  id: 'ssh-keys',
  after: ['users'],
  reads: [...accountPaths, '/etc/ssh/sshd_config', '/etc/ssh/sshd_config.d/', '/root/.ssh/authorized_keys'],
  select: (request) => (asksForAccounts(request) ? true : undefined),
  stage: async (context) => {
    const { fs, diagnose } = context
    const wanted = wantedKeys(context, diagnose)
    const only = new Set(requestedUsers(context).flatMap((user) => (user.ssh_authorized_keys_only === true ? [user.name] : [])))
    if (wanted.size === 0) return 'skipped'
    const files = await openAccounts(context)
    const settings = await readSshdSettings(fs)
    if (settings === undefined) {
      diagnose({
        severity: 'warning',
        code: 'SSH_SERVER_ABSENT',
        summary: 'The guest has no OpenSSH server: keys count once it is installed',
      })
    }
    const patterns = settings === undefined ? undefined : sshdValue(settings, 'AuthorizedKeysFile')
    for (const [name, lines] of wanted) {
      const account = findUser(files, name)
      if (account === undefined) {
        throw new OperationError('OPERATION_USER_MISSING', `SSH keys of ${name} cannot be set: there is no such user`, {
          hint: 'List the account under "users".',
          context: { name },
        })
      }
      const location = locateAuthorizedKeys(account, patterns)
      diagnoseUnreadKeys(location, patterns, diagnose)
      await changeAuthorizedKeys(fs, account, location, { add: [...lines.values()], only: only.has(name) })
    }
    return undefined
  },
})

type Diagnose = (diagnostic: { severity: 'warning'; code: string; summary: string; path?: string }) => void

/** Lines by account and key; for a key that an account gets twice the later line counts. `INPUT_SSH_KEY_INVALID`. */
function wantedKeys(subject: AccountSubject, diagnose: Diagnose): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const { request } = subject
  const wanted = new Map<string, Map<string, string>>()
  const add = (name: string, line: string, path: string) => {
    const body = parseAuthorizedKey(line)?.body
    if (body === undefined || !isAuthorizedKey(line)) throw badKey(name, path)
    const lines = wanted.get(name) ?? new Map<string, string>()
    wanted.set(name, lines.set(body, line.trim()))
  }
  const defaultUser = requestedDefaultUser(subject)
  for (const user of requestedUsers(subject)) {
    if (user.ssh_authorized_keys_only === true) wanted.set(user.name, new Map())
    for (const key of user.ssh_authorized_keys) add(user.name, key, 'users')
    if (user.ssh_redirect_user) for (const key of redirectKeys(subject, user.name, diagnose)) add(user.name, key, 'users')
  }
  const keys = defaultUserKeys(request)
  if (keys.length > 0 && defaultUser === undefined && request.disable_root !== false) {
    diagnose({
      severity: 'warning',
      code: 'SSH_KEYS_WITHOUT_USER',
      summary: 'The keys are for the default user, which "users" does not list',
      path: 'ssh_authorized_keys',
    })
  }
  const options = request.disable_root_opts ?? refuseOptions
  for (const key of keys) {
    if (defaultUser !== undefined) add(defaultUser, key, 'ssh_authorized_keys')
    // An image whose default user is root: a refusal would keep everybody out.
    if (defaultUser === 'root') continue
    const root = request.disable_root === false ? key : refuse(key, options, defaultUser ?? 'NONE', 'root')
    add('root', root, request.disable_root_opts === undefined ? 'ssh_authorized_keys' : 'disable_root_opts')
  }
  return wanted
}

/** `ssh_redirect_user`: the meta-data's keys, with a command that names the default user. */
function redirectKeys(subject: AccountSubject, name: string, diagnose: Diagnose): readonly string[] {
  const keys = subject.request.meta?.['public-keys'] ?? []
  const defaultUser = requestedDefaultUser(subject)
  if (defaultUser !== undefined && keys.length > 0) return keys.map((key) => refuse(key, refuseOptions, defaultUser, name))
  diagnose({
    severity: 'warning',
    code: 'SSH_KEYS_WITHOUT_USER',
    summary: `"ssh_redirect_user" of ${name} needs the default user and public keys in the meta-data`,
    path: 'users',
  })
  return []
}

/** The key with these options instead of its own. A key that cannot be read is returned as it is, to be refused by the caller. */
function refuse(line: string, options: string, user: string, disabled: string): string {
  const key = parseAuthorizedKey(line)
  if (key === undefined) return line
  const prefix = options.replaceAll('$USER', user).replaceAll('$DISABLE_USER', disabled)
  return [prefix, key.type, key.body, key.comment].filter((part) => part !== '').join(' ')
}

function badKey(name: string, path: string): InputError {
  return new InputError('INPUT_SSH_KEY_INVALID', `Not an SSH public key line for ${name}, from "${path}"`, {
    hint: 'Give the line of a .pub file: type, base64 and comment.',
    context: { name, path },
  })
}
