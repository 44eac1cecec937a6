import type { UserRequest } from '@host-deployer/api'
import { findEntry, type GroupEntry, isColonField, type PasswdEntry, upsertEntry } from '@host-deployer/formats'
import { assertAccountName, badField, missingGroup } from './account-errors.ts'
import { type AccountFiles, findGroup, findUser, toAccountText } from './account-files.ts'
import { addShadow, addSubordinateIds } from './account-lines.ts'
import { choosePrimaryGid, chooseUid } from './account-numbers.ts'
import { addMember, ensureGroup } from './groups.ts'

/**
 * Adds an account to the files as cloud-init's `useradd` call does: numbers, groups, ageing and subordinate ids by login.defs(5) and
 * `/etc/default/useradd`. The password is locked (`!`). The home directory is another step.
 *
 * `InputError`: `INPUT_NAME_INVALID`, `INPUT_USER` (a field that passwd(5) cannot hold). `OperationError`: `OPERATION_UID_TAKEN`,
 * `OPERATION_GROUP_MISSING`, `OPERATION_GROUP_EXISTS`, `OPERATION_NO_FREE_ID`.
 */
export function createAccount(files: AccountFiles, request: UserRequest, now: Date): PasswdEntry {
  assertAccountName(request.name)
  const { name, system } = request
  const groups = ensureGroups(files, request)
  const uid = chooseUid(files, request)
  const gid = choosePrimaryGid(files, request, uid)
  const entry: PasswdEntry = { name, password: files.shadow === undefined ? '!' : 'x', uid, gid, ...describeAccount(files, request) }
  files.passwd = upsertEntry(files.passwd, entry)
  for (const group of groups) addMember(files, group.name, name)
  addShadow(files, request, now)
  if (!system) addSubordinateIds(files, name, request.uid)
  return entry
}

/**
 * Gives an account that {@link isAsRequested} what an interrupted commit may have left out, each file on its own: groups, memberships, the line in
 * shadow(5), subordinate ids. For an account that is whole nothing changes. Returns whether the line in shadow(5) was missing: then the account is as
 * new, without a password.
 */
export function completeAccount(files: AccountFiles, request: UserRequest, account: PasswdEntry, now: Date): boolean {
  const groups = ensureGroups(files, request)
  const { name, system } = request
  const hasPrimaryGroup = files.group.entries.some(({ gid }) => gid === account.gid)
  if (!hasPrimaryGroup || findGroup(files, name)?.gid === account.gid) ensureGroup(files, { name, system, preferredGid: account.gid })
  for (const group of groups) addMember(files, group.name, name)
  const isBare = files.shadow !== undefined && findEntry(files.shadow, name) === undefined
  if (isBare) addShadow(files, request, now)
  if (!system) addSubordinateIds(files, name, request.uid)
  return isBare
}

/** The fields of passwd(5) that only the request and the guest's defaults decide. `INPUT_USER`. */
export function describeAccount(files: AccountFiles, request: UserRequest): Pick<PasswdEntry, 'gecos' | 'home' | 'shell'> {
  const { useradd } = files
  const home = request.homedir ?? `${useradd.homeBase}/${request.name}`
  const shell = request.shell ?? useradd.shell
  const fields = { gecos: request.gecos ?? '', home, shell }
  for (const [key, value] of Object.entries(fields))
    if (!isColonField(value)) throw badField(request.name, key, 'must not hold ":" or a newline')
  if (!home.startsWith('/')) throw badField(request.name, 'homedir', 'must be an absolute path')
  if (shell !== '' && !shell.startsWith('/')) throw badField(request.name, 'shell', 'must be an absolute path')
  return { gecos: toAccountText(fields.gecos), home: toAccountText(home), shell: toAccountText(shell) }
}

/** The supplementary groups; they and the primary group are made when they are missing. `OPERATION_GROUP_MISSING`. */
function ensureGroups(files: AccountFiles, { name, groups, primary_group, create_groups }: UserRequest): readonly GroupEntry[] {
  const ensure = (group: string) => {
    if (create_groups && !isGid(files, group)) return ensureGroup(files, { name: group })
    const existing = findGroup(files, group)
    if (existing === undefined) throw missingGroup(name, group)
    return existing
  }
  const supplementary = groups.map(ensure)
  if (primary_group !== undefined) ensure(primary_group)
  return supplementary
}

/** Whether a group is meant by its number. */
function isGid(files: AccountFiles, group: string): boolean {
  return /^\d+$/.test(group) && findGroup(files, group) !== undefined
}

/**
 * True for an account whose line says what {@link createAccount} would write for the request: of our making, or as good as that. Any other one keeps
 * its attributes.
 */
export function isAsRequested(files: AccountFiles, request: UserRequest): boolean {
  const entry = findUser(files, request.name)
  if (entry === undefined) return false
  const { uids, systemUids } = files.loginDefs
  const { min, max } = request.system ? systemUids : uids
  const number = request.uid === undefined ? entry.uid >= min && entry.uid <= max : entry.uid === request.uid
  const { gecos, home, shell } = describeAccount(files, request)
  return number && entry.gecos === gecos && entry.home === home && entry.shell === shell
}
