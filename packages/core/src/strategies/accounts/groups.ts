import { allocateId, allocateSystemId, findEntry, type GroupEntry, upsertEntry } from '@host-deployer/formats'
import { assertAccountName, noFreeId } from './account-errors.ts'
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
function addGroup(files: AccountFiles, { name, system = false, preferredGid }: NewGroup): GroupEntry {
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

/**
 * The group of that name, made when it is missing. One that is there gets the line in gshadow(5) it may lack: an interrupted commit writes
 * group(5) first.
 */
export function ensureGroup(files: AccountFiles, group: NewGroup): GroupEntry {
  const existing = findEntry(files.group, group.name)
  if (existing === undefined) return addGroup(files, group)
  const { name, members } = existing
  if (files.gshadow !== undefined && findEntry(files.gshadow, name) === undefined) {
    files.gshadow = upsertEntry(files.gshadow, { name, password: '!', administrators: [], members })
  }
  return existing
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
