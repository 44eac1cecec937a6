import type { ChpasswdRequest, DefaultUser, DeployRequest, GroupRequest, UserRequest } from './request.ts'
import { present } from './schema/scalars.ts'

type AccountKeys = Pick<DeployRequest, 'users' | 'groups' | 'chpasswd'>

/**
 * The keys of a request that list accounts, over's laid over base's. Pure and associative. Of a user whom both name: lists are joined, texts and
 * numbers are over's where it has them, a flag that is not at its default counts, and so does `ssh_authorized_keys_only`: over's keys are then all.
 * The password goes with its `lock_passwd`. A password of `chpasswd` is over's, and its `expire` is over's.
 */
export function mergeAccountKeys(base: DeployRequest, over: DeployRequest): { [Key in keyof AccountKeys]: AccountKeys[Key] | undefined } {
  return {
    users: mergeUsers(base, over),
    groups: mergeGroups(base.groups, over.groups),
    chpasswd: mergeChpasswd(base.chpasswd, over.chpasswd),
  }
}

type Entry = UserRequest | DefaultUser

function mergeUsers(base: DeployRequest, over: DeployRequest): readonly Entry[] | undefined {
  if (base.users === undefined && over.users === undefined) return undefined
  return byName([...usersOf(base), ...usersOf(over)], (entry) => ('name' in entry ? `name ${entry.name}` : 'default'), mergeUser)
}

/** Without a list there is the default user, when something is for it. */
function usersOf({ users, password, ssh_authorized_keys = [], meta }: DeployRequest): readonly Entry[] {
  if (users !== undefined) return users
  const wanted = password !== undefined || ssh_authorized_keys.length > 0 || (meta?.['public-keys'] ?? []).length > 0
  return wanted ? [{ default: true }] : []
}

function mergeUser(base: Entry, over: Entry): Entry {
  if (!('name' in base && 'name' in over)) return over
  const only = base.ssh_authorized_keys_only === true || over.ssh_authorized_keys_only === true
  return {
    ...base,
    ...present(over),
    ...passwordOf(base, over),
    groups: union(base.groups, over.groups),
    sudo: union(base.sudo, over.sudo),
    ssh_authorized_keys:
      over.ssh_authorized_keys_only === true ? over.ssh_authorized_keys : union(base.ssh_authorized_keys, over.ssh_authorized_keys),
    create_groups: base.create_groups && over.create_groups,
    no_user_group: base.no_user_group || over.no_user_group,
    no_create_home: base.no_create_home || over.no_create_home,
    system: base.system || over.system,
    ssh_redirect_user: base.ssh_redirect_user || over.ssh_redirect_user,
    ...(only ? { ssh_authorized_keys_only: true } : {}),
  }
}

/** A user who is only named again does not lock the password that was given before. */
function passwordOf(base: UserRequest, over: UserRequest): Pick<UserRequest, 'password' | 'lock_passwd'> {
  if (over.password !== undefined) return { password: over.password, lock_passwd: over.lock_passwd }
  return present({ password: base.password, lock_passwd: base.lock_passwd && over.lock_passwd })
}

function mergeGroups(base: readonly GroupRequest[] | undefined, over: readonly GroupRequest[] | undefined) {
  if (base === undefined || over === undefined) return base ?? over
  return byName(
    [...base, ...over],
    ({ name }) => name,
    ({ name, members }, later) => ({ name, members: union(members, later.members) }),
  )
}

function mergeChpasswd(base: ChpasswdRequest | undefined, over: ChpasswdRequest | undefined): ChpasswdRequest | undefined {
  if (base === undefined || over === undefined) return base ?? over
  const users = byName(
    [...base.users, ...over.users],
    ({ name }) => name,
    (_, later) => later,
  )
  return { expire: over.expire, users }
}

const union = (base: readonly string[], over: readonly string[]) => [...new Set([...base, ...over])]

/** One entry for each name, at the place where the name comes first. */
function byName<T>(entries: readonly T[], nameOf: (entry: T) => string, merge: (earlier: T, later: T) => T): T[] {
  const merged = new Map<string, T>()
  for (const entry of entries) {
    const earlier = merged.get(nameOf(entry))
    merged.set(nameOf(entry), earlier === undefined ? entry : merge(earlier, entry))
  }
  return [...merged.values()]
}
