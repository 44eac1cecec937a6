import type { PasswordRequest } from '@host-deployer/api'
import { InputError } from '@host-deployer/driver-api'
import { findEntry, isColonField, lockShadowPassword, parseShadowPassword, unlockShadowPassword, upsertEntry } from '@host-deployer/formats'
import type { Ambient } from '../../operation.ts'
import { type AccountFiles, findUser } from './account-files.ts'
import { hashPassword, isPasswordOf, randomPassword } from './password-hash.ts'

const dayMs = 86_400_000

/** Days since 1970-01-01 UTC, the dates of shadow(5). */
export function shadowDay(date: Date): number {
  return Math.floor(date.getTime() / dayMs)
}

/** The password field that counts for an account: of shadow(5), of passwd(5) where there is no shadow file. */
export function passwordField(files: AccountFiles, name: string): string {
  const shadow = files.shadow === undefined ? undefined : findEntry(files.shadow, name)
  if (shadow !== undefined) return shadow.password
  const password = findUser(files, name)?.password ?? '!'
  return password === 'x' ? '!' : password
}

function setField(files: AccountFiles, name: string, password: string, lastChangeDay?: number): void {
  const user = findUser(files, name)
  if (user === undefined) return
  if (files.shadow === undefined) {
    files.passwd = upsertEntry(files.passwd, { ...user, password })
    return
  }
  const before = findEntry(files.shadow, name) ?? { name, password: '' }
  files.shadow = upsertEntry(files.shadow, { ...before, password, ...(lastChangeDay === undefined ? {} : { lastChangeDay }) })
  files.passwd = upsertEntry(files.passwd, { ...user, password: 'x' })
}

/**
 * Sets a password as chpasswd(8) does: the account is unlocked by it, the date of the last change becomes today. A password that is already in
 * force keeps its salt and its date. Returns whether the hash changed, and the password when we made it.
 * `InputError` `INPUT_PASSWORD_INVALID` for text that no login could give or the file cannot hold.
 */
export function setPassword(
  files: AccountFiles,
  name: string,
  password: PasswordRequest,
  ambient: Ambient,
): { readonly changed: boolean; readonly generated?: string } {
  const before = withoutLock(passwordField(files, name))
  const generated = password.type === 'random' ? randomPassword((count) => ambient.randomBytes(count)) : undefined
  const hash = password.type === 'hash' ? password.value.reveal() : plainHash(generated ?? revealPlain(password), before, ambient)
  if (hash === '' || !isColonField(hash)) throw badPassword(name)
  const changed = withoutLock(hash) !== before
  setField(files, name, hash, changed ? shadowDay(ambient.now) : undefined)
  return { changed, ...(generated === undefined ? {} : { generated }) }

  function revealPlain(request: PasswordRequest): string {
    const plain = request.type === 'plain' ? request.value.reveal() : ''
    if (plain === '' || /[\n\0]/.test(plain)) throw badPassword(name)
    return plain
  }
}

function plainHash(plain: string, before: string, ambient: Ambient): string {
  return isPasswordOf(plain, before) ? before : hashPassword(plain, (count) => ambient.randomBytes(count))
}

function withoutLock(field: string): string {
  return parseShadowPassword(field).hash ?? field.replace(/^!+/, '')
}

function badPassword(name: string): InputError {
  return new InputError('INPUT_PASSWORD_INVALID', `The password of ${name} cannot be set`, {
    hint: 'A password must not be empty or hold a newline or NUL, a hash must be one field of shadow(5).',
    context: { name },
  })
}

/** `passwd --lock`. */
export function lockPassword(files: AccountFiles, name: string): void {
  setField(files, name, lockShadowPassword(passwordField(files, name)))
}

/** `passwd --unlock`, but never into a login without a password. Returns false when there is no password to unlock. */
export function unlockPassword(files: AccountFiles, name: string): boolean {
  const field = passwordField(files, name)
  if (withoutLock(field) === '' || field === '*') return false
  setField(files, name, unlockShadowPassword(field))
  return true
}

/** `passwd --expire`: to be changed at the next login. Without shadow(5) there are no dates: returns false. */
export function expirePassword(files: AccountFiles, name: string): boolean {
  const entry = files.shadow === undefined ? undefined : findEntry(files.shadow, name)
  if (files.shadow === undefined || entry === undefined) return false
  files.shadow = upsertEntry(files.shadow, { ...entry, lastChangeDay: 0 })
  return true
}
