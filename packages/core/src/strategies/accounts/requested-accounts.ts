import type { DefaultUser, DeployRequest, PasswordRequest, UserRequest } from '@host-deployer/api'
import { isAccountName } from '@host-deployer/formats'
import type { GuestFacts } from '@host-deployer/os-detect'
import type { DistroProfile } from '../../distro-profile.ts'

/** The parts of a stage context that say who is meant. */
export interface AccountSubject {
  readonly request: DeployRequest
  readonly facts: GuestFacts
  readonly profile: DistroProfile
}

/** Public keys for the default user: of the cloud-config, and of the seed's meta-data. */
export function defaultUserKeys(request: DeployRequest): readonly string[] {
  return [...new Set([...(request.meta?.['public-keys'] ?? []), ...(request.ssh_authorized_keys ?? [])])]
}

/** The name of the default user: what the image's own cloud-init would make, if that is a name at all, else the distribution's. */
function defaultName({ facts, profile }: AccountSubject): string {
  const { defaultUser } = facts.cloudInit
  return defaultUser !== null && isAccountName(defaultUser) ? defaultUser : profile.defaultUser.name
}

/** Whether the request is about accounts at all, before anything is known about the guest. */
export function asksForAccounts(request: DeployRequest): boolean {
  return (
    request.users !== undefined || request.password !== undefined || request.chpasswd !== undefined || defaultUserKeys(request).length > 0
  )
}

/**
 * Whether `users` says which accounts there shall be, so that the default user is only one of them when it is listed. Accounts with
 * `ssh_authorized_keys_only` are a platform's own, which come beside whatever else there is.
 */
export function listsUsers({ users }: DeployRequest): boolean {
  return users !== undefined && (users.length === 0 || users.some((user) => !('name' in user) || user.ssh_authorized_keys_only !== true))
}

/**
 * The name of the default user when the request has one: `default` is in `users`, or there is no `users` and a key or password is for it.
 * cloud-init always makes it in the second case; a deploy that asks for nothing makes nobody.
 */
export function requestedDefaultUser(subject: AccountSubject): string | undefined {
  const { request } = subject
  const name = defaultName(subject)
  if (request.users?.some((user) => 'default' in user)) return name
  if (listsUsers(request)) return undefined
  const wanted =
    request.password !== undefined ||
    defaultUserKeys(request).length > 0 ||
    request.chpasswd?.users.some((entry) => entry.name === name) === true
  return wanted ? name : undefined
}

const isNamed = (user: UserRequest | DefaultUser): user is UserRequest => !('default' in user)

/** The accounts to be made or changed, in the request's order, the default user with the distribution's attributes. */
export function requestedUsers(subject: AccountSubject): readonly UserRequest[] {
  const { request, profile } = subject
  const name = requestedDefaultUser(subject)
  const explicit = (request.users ?? []).filter(isNamed)
  if (name === undefined) return explicit
  const { gecos, groups, shell, sudo } = profile.defaultUser
  const base: UserRequest = {
    name,
    gecos,
    groups,
    shell,
    sudo,
    create_groups: true,
    no_user_group: false,
    no_create_home: false,
    system: false,
    lock_passwd: true,
    ssh_authorized_keys: [],
    ssh_redirect_user: false,
  }
  const own = explicit.find((user) => user.name === name)
  const merged: UserRequest =
    own === undefined
      ? base
      : { ...base, ...own, groups: [...new Set([...groups, ...own.groups])], sudo: own.sudo.length > 0 ? own.sudo : sudo }
  const others = explicit.filter((user) => user !== own)
  if (request.users === undefined) return [merged]
  // Wanted without being listed: it comes first, as in cloud-init's own list.
  const at = Math.max(
    request.users.findIndex((user) => 'default' in user),
    0,
  )
  const before = request.users.slice(0, at).filter((user) => others.some((other) => other === user)).length
  return [...others.slice(0, before), merged, ...others.slice(before)]
}

/** A password to be set on an account that exists by then. */
export interface RequestedPassword {
  readonly password: PasswordRequest
  /** To be changed at the first login. */
  readonly expire: boolean
}

/**
 * Passwords of `chpasswd` and of the key `password`, which is for the default user, by account. Hashes do not expire, other passwords do unless
 * `chpasswd.expire` is false.
 */
export function requestedPasswords(subject: AccountSubject): ReadonlyMap<string, RequestedPassword> {
  const { request } = subject
  const expire = request.chpasswd?.expire ?? true
  const passwords = new Map<string, RequestedPassword>()
  const add = (name: string, password: PasswordRequest) => passwords.set(name, { password, expire: expire && password.type !== 'hash' })
  if (request.password !== undefined) {
    const name = requestedDefaultUser(subject)
    if (name !== undefined) add(name, request.password)
  }
  for (const { name, password } of request.chpasswd?.users ?? []) add(name, password)
  return passwords
}
