import type { Diagnostic } from '@host-deployer/driver-api'
import {
  addAuthorizedKey,
  type PasswdEntry,
  parseAuthorizedKey,
  parseAuthorizedKeys,
  removeAuthorizedKey,
  renderLines,
} from '@host-deployer/formats'
import { type GuestPath, guestPath, joinGuestPath, parentOf, type WritableGuestFs } from '@host-deployer/guest-fs'
import { homePath } from './create-home.ts'

/** sshd's own default, sshd_config(5). */
const standardPattern = '.ssh/authorized_keys'

export interface AuthorizedKeysLocation {
  readonly path: GuestPath
  /** The account's own directory holds it, so that directory and file belong to the account. */
  readonly inHome: boolean
  /** False when sshd looks somewhere that is not a file of this account, and keys written here have no effect. */
  readonly read: boolean
}

/** `SSH_KEYS_NOT_READ` when what is written at this location has no effect. */
export function diagnoseUnreadKeys(
  { path, read }: AuthorizedKeysLocation,
  patterns: string | undefined,
  diagnose: (diagnostic: Diagnostic) => void,
): void {
  if (read) return
  const summary = `sshd does not read this file: AuthorizedKeysFile is ${patterns}`
  diagnose({ severity: 'warning', code: 'SSH_KEYS_NOT_READ', summary, path })
}

/**
 * Where sshd looks for an account's keys.
 * @param patterns the value of AuthorizedKeysFile, `undefined` for sshd's default
 */
export function locateAuthorizedKeys(account: PasswdEntry, patterns: string | undefined): AuthorizedKeysLocation {
  const home = homePath(account)
  const candidates = (patterns ?? standardPattern).split(/\s+/).flatMap((pattern) => {
    const tokens: Readonly<Record<string, string>> = { '%h': home, '%u': account.name, '%U': String(account.uid), '%%': '%' }
    const path = pattern.replace(/%./g, (token) => tokens[token] ?? token)
    const expanded = path.startsWith('/') ? guestPath(path) : joinGuestPath(home, path)
    const inHome = expanded.startsWith(home === '/' ? '/.ssh/' : `${home}/`)
    // A file that is the same for everybody is not ours to fill with one account's keys.
    const personal = inHome || /%[huU]/.test(pattern)
    return pattern === 'none' || pattern === '' || !personal ? [] : [{ path: expanded, inHome, read: true }]
  })
  const standard = joinGuestPath(home, standardPattern)
  return candidates.find(({ path }) => path === standard) ?? candidates[0] ?? { path: standard, inHome: true, read: false }
}

/**
 * The file's text with the keys in it. A key that is there with the same options stays as it is; one with other options is replaced by our line,
 * so that a forced command comes and goes. Other lines are not touched.
 * @param lines valid lines (`isAuthorizedKey`)
 */
export function mergeAuthorizedKeys(text: string, lines: readonly string[]): string {
  let file = parseAuthorizedKeys(text)
  for (const line of lines) {
    const key = parseAuthorizedKey(line)
    if (key === undefined) throw new TypeError('Not a public key line')
    const present = file.entries.filter(({ body }) => body === key.body)
    if (present.length > 0 && present.every(({ options }) => options.join() === key.options.join())) continue
    file = addAuthorizedKey(removeAuthorizedKey(file, key.body), line)
  }
  return renderLines(file)
}

/** Which keys go before the others are added. */
export interface KeyRemoval {
  readonly comment?: string
  readonly bodies: readonly string[]
}

/** The file's text without these keys. One that is to be added again, with the same options, stays where it is. */
export function removeAuthorizedKeys(text: string, { comment, bodies }: KeyRemoval, added: readonly string[] = []): string {
  const again = new Map(added.map((line) => [parseAuthorizedKey(line)?.body, parseAuthorizedKey(line)?.options.join()]))
  let file = parseAuthorizedKeys(text)
  for (const key of file.entries) {
    const goes = bodies.includes(key.body) || (comment !== undefined && key.comment === comment)
    if (goes && again.get(key.body) !== key.options.join()) file = removeAuthorizedKey(file, key.body)
  }
  return renderLines(file)
}

/** What a change does to the keys; see the functions of the same names. */
export interface KeyChange {
  readonly add: readonly string[]
  readonly remove?: KeyRemoval
  /** The file holds `add` and nothing else. */
  readonly only?: boolean
}

/** Stages the change with the owner and modes that sshd's StrictModes wants. A file that would be empty is not made. */
export async function changeAuthorizedKeys(
  fs: WritableGuestFs,
  account: PasswdEntry,
  { path, inHome }: AuthorizedKeysLocation,
  change: KeyChange,
): Promise<void> {
  const { uid, gid } = account
  const before = (await fs.exists(path)) ? Buffer.from(await fs.readFile(path)).toString('latin1') : undefined
  const text = changedKeys(before ?? '', change)
  if (text === (before ?? '') && change.add.length === 0) return
  const directory = parentOf(path)
  if (inHome) await ensurePrivateDirectory(fs, directory, account)
  else await fs.makeDirectories(directory)
  await fs.writeFile(path, Buffer.from(text, 'latin1'), inHome ? { mode: 0o600, uid, gid } : { mode: 0o644, uid: 0, gid: 0 })
}

function changedKeys(before: string, { add, remove, only = false }: KeyChange): string {
  const lines = add.map((line) => Buffer.from(line).toString('latin1'))
  if (only) return lines.map((line) => `${line.trim()}\n`).join('')
  const comment = remove?.comment === undefined ? {} : { comment: Buffer.from(remove.comment).toString('latin1') }
  const kept = remove === undefined ? before : removeAuthorizedKeys(before, { ...remove, ...comment }, lines)
  return mergeAuthorizedKeys(kept, lines)
}

async function ensurePrivateDirectory(fs: WritableGuestFs, directory: GuestPath, { uid, gid }: PasswdEntry): Promise<void> {
  const existed = await fs.exists(directory)
  await fs.makeDirectories(directory, { mode: 0o700, uid, gid })
  // Behind a link may be a directory that others need: its modes are not ours to change.
  if (!existed || (await fs.resolve(directory)) !== (await fs.resolve(directory, { followLast: false }))) return
  await fs.chmod(directory, 0o700)
  await fs.chown(directory, uid, gid)
}
