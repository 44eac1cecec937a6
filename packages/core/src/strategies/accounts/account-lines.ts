import type { UserRequest } from '@host-deployer/api'
import { addSubid, allocateSubid, findEntry, upsertEntry } from '@host-deployer/formats'
import { badField, noFreeId } from './account-errors.ts'
import type { AccountFiles } from './account-files.ts'
import { shadowDay } from './password-field.ts'

/** A new user's line in shadow(5): locked, the ageing of login.defs(5), none for system accounts. `INPUT_USER` for a bad expiry date. */
export function addShadow(files: AccountFiles, request: UserRequest, now: Date): void {
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

/** No ageing and no end, as `useradd -e '' -f -1 -K PASS_MAX_DAYS=-1` of a system account; a password that had to be changed at once need not be. */
export function neverExpires(files: AccountFiles, name: string, now: Date): void {
  const entry = files.shadow === undefined ? undefined : findEntry(files.shadow, name)
  if (files.shadow === undefined || entry === undefined) return
  files.shadow = upsertEntry(files.shadow, {
    name,
    password: entry.password,
    lastChangeDay: entry.lastChangeDay === 0 ? shadowDay(now) : entry.lastChangeDay,
    reserved: entry.reserved,
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

/** A new user's ranges in subuid(5) and subgid(5); one that is there is kept. */
export function addSubordinateIds(files: AccountFiles, name: string, uid: number | undefined): void {
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
