import * as z from 'zod'
import type { ChpasswdRequest, PasswordRequest } from '../request.ts'
import { Secret } from '../secret.ts'
import { keyed } from './keyed.ts'
import { isPasswordHash, isPlainPassword, passwordFromText } from './password.ts'
import { accountName, flag, isAccountName } from './scalars.ts'

const invalid = { code: 'INPUT_PASSWORD_INVALID' }

/** One account and its password. */
export interface ChpasswdEntry {
  readonly name: string
  readonly password: PasswordRequest
}

/** `name:password`. */
function entryOf(line: string): ChpasswdEntry | undefined {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(colon, 0)).trim()
  const password = passwordFromText(line.slice(colon + 1))
  return isAccountName(name) && password !== undefined ? { name, password } : undefined
}

const list = z.union([z.array(z.string()), z.string()]).transform((value, context): ChpasswdEntry[] => {
  const lines = typeof value === 'string' ? value.split(/\r?\n/) : value
  const entries: ChpasswdEntry[] = []
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    const entry = entryOf(line)
    if (entry) entries.push(entry)
    else {
      const path = typeof value === 'string' ? [] : [index]
      context.addIssue({ code: 'custom', path, message: `entry ${index + 1} is not "name:password"`, params: invalid })
    }
  }
  return entries
})

const userSettings = keyed({
  name: accountName,
  password: z
    .union([z.string(), z.number()])
    .transform((value) => new Secret(String(value)))
    .optional(),
  type: z.enum(['hash', 'text', 'RANDOM']).optional(),
}).transform(({ name, password, type = 'hash' }, context): ChpasswdEntry => {
  if (type === 'RANDOM') return { name, password: { type: 'random' } }
  const value = password?.reveal() ?? ''
  if (type === 'hash' ? !isPasswordHash(value) : !isPlainPassword(value)) {
    const message = type === 'hash' ? 'is not a password hash; say "type: text" for a plain password' : 'cannot be a password'
    context.addIssue({ code: 'custom', path: ['password'], message, params: invalid })
  }
  return { name, password: { type: type === 'hash' ? 'hash' : 'plain', value: new Secret(value) } }
})

/** `chpasswd` of cloud-config: `users`, or the older `list` as lines or list. A later entry for a name replaces the earlier one. */
export const chpasswd = keyed({ expire: flag.optional(), list: list.optional(), users: z.array(userSettings).optional() }).transform(
  ({ expire, list: lines = [], users: maps = [] }): ChpasswdRequest => ({
    expire: expire ?? true,
    users: [...new Map([...lines, ...maps].map((entry) => [entry.name, entry])).values()],
  }),
)
