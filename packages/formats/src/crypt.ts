/** The hashing methods of crypt(5). */
export type CryptMethod =
  | 'yescrypt'
  | 'gost-yescrypt'
  | 'scrypt'
  | 'bcrypt'
  | 'sha512crypt'
  | 'sha256crypt'
  | 'sha1crypt'
  | 'sunmd5'
  | 'md5crypt'
  | 'nt'
  | 'bsdicrypt'
  | 'descrypt'

// The regular expressions that crypt(5) gives for each method.
const shapes: readonly (readonly [CryptMethod, RegExp])[] = [
  ['yescrypt', /^\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{0,86}\$[./A-Za-z0-9]{43}$/],
  ['gost-yescrypt', /^\$gy\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{0,86}\$[./A-Za-z0-9]{43}$/],
  ['scrypt', /^\$7\$[./A-Za-z0-9]{11,97}\$[./A-Za-z0-9]{43}$/],
  ['bcrypt', /^\$2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}$/],
  ['sha512crypt', /^\$6\$(rounds=[1-9]\d+\$)?[^$:\n]{0,16}\$[./A-Za-z0-9]{86}$/],
  ['sha256crypt', /^\$5\$(rounds=[1-9]\d+\$)?[^$:\n]{0,16}\$[./A-Za-z0-9]{43}$/],
  ['sha1crypt', /^\$sha1\$[1-9]\d+\$[./A-Za-z0-9]{1,64}\$[./A-Za-z0-9]{8,64}[./A-Za-z0-9]{32}$/],
  ['sunmd5', /^\$md5(,rounds=[1-9]\d+)?\$[./A-Za-z0-9]{8}\${1,2}[./A-Za-z0-9]{22}$/],
  ['md5crypt', /^\$1\$[^$:\n]{0,8}\$[./A-Za-z0-9]{22}$/],
  ['nt', /^\$3\$\$[0-9a-f]{32}$/],
  ['bsdicrypt', /^_[./A-Za-z0-9]{19}$/],
  ['descrypt', /^[./A-Za-z0-9]{13}$/],
]

/**
 * Which method a hash was made with, `undefined` for text that is no hash. A plain password of 13 letters looks like `descrypt`, so ask
 * {@link isModernCryptHash} where a person may have typed either.
 */
export function cryptMethod(hash: string): CryptMethod | undefined {
  return shapes.find(([, shape]) => shape.test(hash))?.[0]
}

/** True for a complete hash that starts with `$`: nobody has such a password by accident. */
export function isModernCryptHash(text: string): boolean {
  return text.startsWith('$') && cryptMethod(text) !== undefined
}

/** What the password field of shadow(5) says. */
export interface ShadowPassword {
  /**
   * `hash`: login by that password. `locked`: a hash behind `!`, kept for unlocking. `disabled`: `*`, `!` or anything else that
   * no password matches. `empty`: no password is asked for.
   */
  readonly state: 'hash' | 'locked' | 'disabled' | 'empty'
  /** The hash, without a lock in front of it. */
  readonly hash: string | undefined
  readonly method: CryptMethod | undefined
}

/** Reads the password field of shadow(5). */
export function parseShadowPassword(field: string): ShadowPassword {
  if (field === '') return { state: 'empty', hash: undefined, method: undefined }
  const hash = field.replace(/^[!*]+/, '')
  const method = cryptMethod(hash)
  if (method === undefined) return { state: 'disabled', hash: undefined, method: undefined }
  return { state: hash === field ? 'hash' : 'locked', hash, method }
}

/** `usermod --lock`: a `!` in front. Locked already or disabled: unchanged. */
export function lockShadowPassword(field: string): string {
  return /^[!*]/.test(field) ? field : `!${field}`
}

/** `usermod --unlock`: without the `!`. Unchanged where nothing would remain, for that would be a login without password. */
export function unlockShadowPassword(field: string): string {
  const open = field.replace(/^!+/, '')
  return open === '' ? field : open
}
