import type { UserRequest } from '@host-deployer/api'
import { InputError, OperationError } from '@host-deployer/driver-api'
import {
  addSubid,
  allocateId,
  allocateSubid,
  allocateSystemId,
  findEntry,
  type GroupEntry,
  isAccountId,
  isColonField,
  type PasswdEntry,
  upsertEntry,
} from '@host-deployer/formats'
import { type AccountFiles, findGroup, findUser, fromAccountText, toAccountText } from './account-files.ts'
import { addGroup, addMember, assertAccountName, noFreeId } from './groups.ts'
import { shadowDay } from './password-field.ts'

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
  const groups = memberships(files, request)
  if (request.primary_group !== undefined && request.create_groups && findGroup(files, request.primary_group) === undefined) {
    addGroup(files, { name: request.primary_group })
  }
  const uid = chooseUid(files, request)
  const gid = choosePrimaryGid(files, request, uid)
  const entry: PasswdEntry = { name, password: files.shadow === undefined ? '!' : 'x', uid, gid, ...describeAccount(files, request) }
  files.passwd = upsertEntry(files.passwd, entry)
  for (const group of groups) addMember(files, group.name, name)
  addShadow(files, request, now)
  if (!system) addSubordinateIds(files, name, request.uid)
  return entry
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

/**
 * Gives an account what an interrupted commit may have left out: its line in shadow(5) and its subordinate ids. For an account that is
 * whole nothing changes.
 */
export function completeAccount(files: AccountFiles, request: UserRequest, now: Date): void {
  if (files.shadow !== undefined && findEntry(files.shadow, request.name) === undefined) addShadow(files, request, now)
  if (!request.system) addSubordinateIds(files, request.name, request.uid)
}

function badField(name: string, key: string, problem: string): InputError {
  return new InputError('INPUT_USER', `${key} of the user ${name} ${problem}`, {
    hint: `Correct "${key}" of the user ${JSON.stringify(name)} in the request.`,
    context: { name, key },
  })
}

function memberships(files: AccountFiles, { name, groups, create_groups }: UserRequest): GroupEntry[] {
  return groups.map((group) => {
    const existing = findGroup(files, group)
    if (existing !== undefined) return existing
    if (!create_groups) throw missingGroup(name, group)
    return addGroup(files, { name: group })
  })
}

function missingGroup(user: string, group: string): OperationError {
  return new OperationError(
    'OPERATION_GROUP_MISSING',
    `The user ${user} cannot be put into ${JSON.stringify(group)}: there is no such group`,
    {
      hint: 'List the group under "groups", or leave "create_groups" on.',
      context: { user, group },
    },
  )
}

function chooseUid(files: AccountFiles, { name, uid, system }: UserRequest): number {
  const used = files.passwd.entries.map((entry) => entry.uid)
  if (uid === undefined) {
    const { systemUids, uids } = files.loginDefs
    const next = system ? allocateSystemId(used, systemUids) : allocateId(used, uids)
    if (next === undefined) throw noFreeId('user', name)
    return next
  }
  if (!isAccountId(uid)) throw badField(name, 'uid', 'must be an integer from 0 to 4294967294')
  const owner = files.passwd.entries.find((entry) => entry.uid === uid)
  if (owner === undefined) return uid
  throw new OperationError('OPERATION_UID_TAKEN', `The uid ${uid} asked for the user ${name} belongs to ${fromAccountText(owner.name)}`, {
    hint: 'Choose another "uid", or leave it out.',
    context: { user: name, uid, owner: fromAccountText(owner.name) },
  })
}

function choosePrimaryGid(files: AccountFiles, request: UserRequest, uid: number): number {
  const { name, system, primary_group, no_user_group } = request
  if (primary_group !== undefined) {
    const group = findGroup(files, primary_group)
    if (group === undefined) throw missingGroup(name, primary_group)
    return group.gid
  }
  if (no_user_group || !files.loginDefs.userGroups) {
    const group = findGroup(files, files.useradd.group)
    if (group === undefined) throw missingGroup(name, files.useradd.group)
    return group.gid
  }
  const existing = findGroup(files, name)
  if (existing === undefined) return addGroup(files, { name, system, preferredGid: uid }).gid
  // A group of that name and number, nobody's yet, is what an interrupted commit leaves: the group files come before passwd(5).
  const inUse = existing.members.length > 0 || files.passwd.entries.some((entry) => entry.gid === existing.gid)
  if (existing.gid === uid && !inUse) return existing.gid
  throw new OperationError('OPERATION_GROUP_EXISTS', `The user ${name} cannot get a group of its own: there is a group of that name`, {
    hint: `Set "primary_group: ${name}" to put the user into that group, or "no_user_group: true".`,
    context: { user: name },
  })
}

function addShadow(files: AccountFiles, request: UserRequest, now: Date): void {
  if (files.shadow === undefined) return
  const { loginDefs, useradd } = files
  // System accounts have no ageing.
  const ageing = request.system
    ? {}
    : { minAgeDays: loginDefs.passMinDays, maxAgeDays: loginDefs.passMaxDays, warnDays: loginDefs.passWarnDays }
  files.shadow = upsertEntry(files.shadow, {
    name: request.name,
    password: '!',
    lastChangeDay: shadowDay(now),
    ...ageing,
    inactiveDays: request.inactive ?? useradd.inactiveDays,
    expireDay: expireDay(request, useradd.expireDate),
  })
}

function expireDay({ name, expiredate }: UserRequest, fallback: string | undefined): number | undefined {
  const date = expiredate ?? fallback
  if (date === undefined || date === '') return undefined
  const parsed = new Date(`${date}T00:00:00Z`)
  const valid = /^\d{4}-\d{2}-\d{2}$/.test(date) && !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date)
  if (valid) return shadowDay(parsed)
  if (expiredate === undefined) return undefined // the guest's own default is not the caller's mistake
  throw badField(name, 'expiredate', 'must be a date, YYYY-MM-DD')
}

function addSubordinateIds(files: AccountFiles, name: string, uid: number | undefined): void {
  const { uids, subordinateUids, subordinateGids } = files.loginDefs
  // useradd gives none to an account whose number was chosen from outside the range of ordinary users.
  if (uid !== undefined && (uid < uids.min || uid > uids.max)) return
  files.subuid = withRange(files.subuid, name, subordinateUids)
  files.subgid = withRange(files.subgid, name, subordinateGids)
}

function withRange(
  file: AccountFiles['subuid'],
  owner: string,
  range: AccountFiles['loginDefs']['subordinateUids'],
): AccountFiles['subuid'] {
  if (file === undefined || range.count === 0 || file.entries.some((entry) => entry.owner === owner)) return file
  const first = allocateSubid(file, range)
  if (first === undefined) throw noFreeId('user', owner)
  return addSubid(file, { owner, first, count: range.count })
}

/** True for an account whose line says what {@link createAccount} would write for the request, number and group aside. */
export function isAsRequested(files: AccountFiles, request: UserRequest): boolean {
  const entry = findUser(files, request.name)
  if (entry === undefined || request.system || entry.uid < files.loginDefs.uids.min || entry.uid > files.loginDefs.uids.max) return false
  const { gecos, home, shell } = describeAccount(files, request)
  return entry.gecos === gecos && entry.home === home && entry.shell === shell
}
