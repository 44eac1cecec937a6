import * as z from 'zod'
import type { PasswordRequest } from '../request.ts'
import { Secret } from '../secret.ts'

const invalid = { code: 'INPUT_PASSWORD_INVALID' }

/** crypt(5): `$id$...`, BSDi and DES hashes, with `!` in front when locked; or only the mark of an account without password, `*` or `!`. */
const hashPattern = /^(!{0,2}(\$[0-9a-z]{1,8}\$[./0-9A-Za-z$=,+_-]{8,}|_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13})|\*|!{1,2}\*?)$/

/** A password that chpasswd(8) can take: not empty, one line, no colon in front of it to confuse the fields of shadow(5). */
export const isPlainPassword = (value: string) => value !== '' && !/[\0\r\n]/.test(value) && Buffer.byteLength(value) <= 1024
export const isPasswordHash = (value: string) => value.length <= 1024 && hashPattern.test(value)

/** What cloud-init takes for a hash where a text may be either (cc_set_passwords). */
const looksHashed = /^\$(1|2a|2y|5|6|y)(\$.+){2}/

/** A password in `password` and `chpasswd.list`: `R` and `RANDOM` ask for one, a hash is told by its looks. Undefined: not usable. */
export function passwordFromText(value: string): PasswordRequest | undefined {
  if (value === 'R' || value === 'RANDOM') return { type: 'random' }
  if (looksHashed.test(value) && !value.includes(':')) return isPasswordHash(value) ? { type: 'hash', value: new Secret(value) } : undefined
  return isPlainPassword(value) ? { type: 'plain', value: new Secret(value) } : undefined
}

const secretText = z.union([z.string(), z.number()]).transform((value) => new Secret(String(value)))

export const plainPassword = secretText.refine((secret) => isPlainPassword(secret.reveal()), {
  message: 'cannot be a password: it is empty, too long, or has a line break or NUL',
  params: invalid,
})

export const passwordHash = secretText.refine((secret) => isPasswordHash(secret.reveal()), {
  message: 'is not a password hash as in crypt(5), such as mkpasswd prints',
  params: invalid,
})

/** The top-level key `password`. */
export const anyPassword = secretText.transform((secret, context): PasswordRequest => {
  const password = passwordFromText(secret.reveal())
  if (password === undefined) context.addIssue({ code: 'custom', message: 'cannot be a password, or is a malformed hash', params: invalid })
  return password ?? { type: 'random' }
})
