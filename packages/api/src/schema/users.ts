import * as z from 'zod'
import type { DefaultUser, UserRequest } from '../request.ts'
import { keyed } from './keyed.ts'
import { passwordHash, plainPassword } from './password.ts'
import { accountName, commaList, flag, guestPath, integer, isAccountName, line, present, sshKeys, text } from './scalars.ts'

const groupNames = z
  .union([commaList, z.record(z.string(), z.null())])
  .transform((value) => (Array.isArray(value) ? value : Object.keys(value)))
  .refine((names) => names.every(isAccountName), { message: 'has a name that is not a group name', params: { code: 'INPUT_NAME_INVALID' } })

const date = text.refine(
  (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && new Date(`${value}T00:00:00Z`).toJSON()?.startsWith(value) === true,
  'is not a date as YYYY-MM-DD',
)

const gecos = line.refine((value) => !value.includes(':'), 'cannot have a colon: it separates the fields of passwd(5)')
const sudoRule = line.refine((value) => value.trim() !== '', 'is an empty sudo rule')
const sudo = z.union([z.literal(false), sudoRule, z.array(sudoRule)]).transform((value) => (value === false ? [] : [value].flat()))

const shape = {
  gecos: gecos.optional(),
  homedir: guestPath.refine((path) => !/[:\n]/.test(path), 'cannot have a colon or a line break').optional(),
  primary_group: accountName.optional(),
  groups: groupNames.optional(),
  create_groups: flag.optional(),
  no_user_group: flag.optional(),
  no_create_home: flag.optional(),
  // Nothing is ever written to lastlog and faillog offline, which is what `true` asks for.
  no_log_init: flag.optional(),
  system: flag.optional(),
  shell: guestPath.refine((path) => !/[:\n]/.test(path), 'cannot have a colon or a line break').optional(),
  uid: integer(0, 4_294_967_294).optional(),
  expiredate: date.optional(),
  inactive: integer(0, 100_000).optional(),
  passwd: passwordHash.optional(),
  hashed_passwd: passwordHash.optional(),
  plain_text_passwd: plainPassword.optional(),
  lock_passwd: flag.optional(),
  sudo: sudo.optional(),
  ssh_authorized_keys: sshKeys.optional(),
  ssh_redirect_user: flag.optional(),
  // Not a key of cloud-init.
  ssh_authorized_keys_only: flag.optional(),
}

const unsupported = ['doas', 'selinux_user', 'snapuser', 'ssh_import_id']

const settings = keyed(shape, [...unsupported, 'name'])
const namedUser = keyed({ name: accountName, ...shape }, unsupported)
const userNames = commaList.refine((names) => names.every(isAccountName), {
  message: 'has a name that is not a user name',
  params: { code: 'INPUT_NAME_INVALID' },
})

type Settings = z.output<typeof settings>

/** `users` of cloud-config: a list of names, lists of names and maps; names separated by commas; or a map from name to settings or a boolean. */
export const users = z
  .union([z.array(z.union([userNames, namedUser])), userNames, z.record(z.string(), z.union([settings, flag]))])
  .transform((value, context): (UserRequest | DefaultUser)[] => {
    const list: (UserRequest | DefaultUser)[] = []
    const seen = new Set<string>()
    const add = (name: string, given: Settings | undefined, path: PropertyKey[]) => {
      const problem = (message: string, code: string) => context.addIssue({ code: 'custom', path, message, params: { code } })
      if (!isAccountName(name)) problem('is not a user name', 'INPUT_NAME_INVALID')
      if (seen.has(name) && given === undefined) return
      if (seen.has(name)) problem('is a user given twice', 'INPUT_INVALID')
      seen.add(name)
      if (name !== 'default') list.push(userRequest(name, given ?? {}))
      else if (given !== undefined && Object.values(given).some((item) => item !== undefined)) {
        problem('settings for the default user are not supported; name the user instead', 'INPUT_INVALID')
      } else list.push({ default: true })
    }
    if (!Array.isArray(value)) {
      for (const [name, given] of Object.entries(value)) {
        if (given === true) add(name, undefined, [name])
        else if (given !== false) add(name, given, [name])
      }
      return list
    }
    for (const [index, item] of value.entries()) {
      if (typeof item === 'string') add(item, undefined, [])
      else if (Array.isArray(item)) for (const name of item) add(name, undefined, [index])
      else {
        const { name, ...given } = item
        add(name, given, [index])
      }
    }
    return list
  })

/** Which password counts when several are given is cloud-init's order: they are set one after the other, `hashed_passwd` last. */
function userPassword(given: Settings): UserRequest['password'] {
  if (given.hashed_passwd) return { type: 'hash', value: given.hashed_passwd, only_new: false }
  if (given.plain_text_passwd) return { type: 'plain', value: given.plain_text_passwd, only_new: false }
  return given.passwd && { type: 'hash', value: given.passwd, only_new: true }
}

function userRequest(name: string, given: Settings): UserRequest {
  const { gecos, homedir, primary_group, shell, uid, expiredate, inactive } = given
  return {
    name,
    ...present({ gecos, homedir, primary_group, shell, uid, expiredate, inactive, password: userPassword(given) }),
    groups: given.groups ?? [],
    create_groups: given.create_groups ?? true,
    no_user_group: given.no_user_group ?? false,
    no_create_home: given.no_create_home ?? false,
    system: given.system ?? false,
    lock_passwd: given.lock_passwd ?? true,
    sudo: given.sudo ?? [],
    ssh_authorized_keys: given.ssh_authorized_keys ?? [],
    ssh_redirect_user: given.ssh_redirect_user ?? false,
    ...(given.ssh_authorized_keys_only === true && { ssh_authorized_keys_only: true }),
  }
}
