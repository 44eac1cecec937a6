import type { UserRequest } from '@host-deployer/api'
import { OperationError } from '@host-deployer/driver-api'
import { allocateId, allocateSystemId, findEntry, type GroupEntry, isAccountId } from '@host-deployer/formats'
import { badField, missingGroup, noFreeId } from './account-errors.ts'
import { type AccountFiles, findGroup, fromAccountText } from './account-files.ts'
import { ensureGroup } from './groups.ts'

/** The number of a new user: the request's, else the next one as useradd(8) finds it. `OPERATION_UID_TAKEN`, `OPERATION_NO_FREE_ID`. */
export function chooseUid(files: AccountFiles, { name, uid, system }: UserRequest): number {
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

/**
 * The number of a new user's primary group: the one asked for, one of the user's own, which is made, or the guest's default.
 * `OPERATION_GROUP_MISSING`, `OPERATION_GROUP_EXISTS`, `OPERATION_NO_FREE_ID`.
 */
export function choosePrimaryGid(files: AccountFiles, request: UserRequest, uid: number): number {
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
  const existing = findEntry(files.group, name)
  if (existing === undefined || isLeftOver(files, existing, system)) return ensureGroup(files, { name, system, preferredGid: uid }).gid
  throw new OperationError('OPERATION_GROUP_EXISTS', `The user ${name} cannot get a group of its own: there is a group of that name`, {
    hint: `Set "primary_group: ${name}" to put the user into that group, or "no_user_group: true".`,
    context: { user: name },
  })
}

/**
 * Whether a group can be what an interrupted commit left of a new account, since the group files come before passwd(5): nobody is in it, and its
 * number is one that such an account's group would get.
 */
function isLeftOver(files: AccountFiles, { gid, members }: GroupEntry, system: boolean): boolean {
  const { gids, systemGids } = files.loginDefs
  const { min, max } = system ? systemGids : gids
  return gid >= min && gid <= max && members.length === 0 && files.passwd.entries.every((entry) => entry.gid !== gid)
}
