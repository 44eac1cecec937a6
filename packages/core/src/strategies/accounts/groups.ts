import { InputError, OperationError } from '@host-deployer/driver-api'
import { allocateId, allocateSystemId, findEntry, type GroupEntry, isAccountName, upsertEntry } from '@host-deployer/formats'
import type { AccountFiles } from './account-files.ts'

export interface NewGroup {
  readonly name: string
  readonly system?: boolean
  /** Taken when it is free and in range. */
  readonly preferredGid?: number
}

/**
 * Adds a group as groupadd(8) does: the next number of login.defs(5)'s range, a line in gshadow(5) that lets nobody join by password.
 * `INPUT_NAME_INVALID`; `OPERATION_NO_FREE_ID` when the range is full.
 */
export function addGroup(files: AccountFiles, { name, system = false, preferredGid }: NewGroup): GroupEntry {
  assertAccountName(name)
  const used = files.group.entries.map((entry) => entry.gid)
  const { systemGids, gids } = files.loginDefs
  const gid = system ? allocateSystemId(used, systemGids, preferredGid) : allocateId(used, gids, preferredGid)
  if (gid === undefined) throw noFreeId('group', name)
  const entry: GroupEntry = { name, password: 'x', gid, members: [] }
  files.group = upsertEntry(files.group, entry)
  if (files.gshadow !== undefined) files.gshadow = upsertEntry(files.gshadow, { name, password: '!', administrators: [], members: [] })
  return entry
}

/** `usermod --append --groups`: the member goes to the end of both lists; a member already: nothing changes. */
export function addMember(files: AccountFiles, group: string, member: string): void {
  const entry = findEntry(files.group, group)
  if (entry !== undefined && !entry.members.includes(member)) {
    files.group = upsertEntry(files.group, { ...entry, members: [...entry.members, member] })
  }
  if (files.gshadow === undefined) return
  const shadow = findEntry(files.gshadow, group)
  if (shadow !== undefined && !shadow.members.includes(member)) {
    files.gshadow = upsertEntry(files.gshadow, { ...shadow, members: [...shadow.members, member] })
  }
}

/** `InputError` `INPUT_NAME_INVALID` for a name that useradd(8) of upstream shadow-utils refuses. */
export function assertAccountName(name: string): void {
  if (isAccountName(name)) return
  throw new InputError('INPUT_NAME_INVALID', `Not a name for a user or group: ${JSON.stringify(name)}`, {
    hint: 'Use up to 32 letters, digits, "-", "_" and ".", not starting with "-" and not only digits.',
    context: { name },
  })
}

export function noFreeId(kind: 'user' | 'group', name: string): OperationError {
  return new OperationError('OPERATION_NO_FREE_ID', `No number is left for the ${kind} ${name}`, {
    hint: 'Widen the ranges in the guest\'s /etc/login.defs, or give a "uid".',
    context: { name },
  })
}
