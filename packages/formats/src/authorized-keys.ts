import { insertLines, type LineFile, lineFile, parseLines } from './line-file.ts'
import { isPublicKeyType, type PublicKey, parsePublicKey } from './public-key.ts'

/** One key of an authorized_keys file. */
export interface AuthorizedKey extends PublicKey {
  /** Options before the key, in file order: `no-pty`, `from="10.0.0.0/8"`, quotes kept. */
  readonly options: readonly string[]
}

/** sshd(8), AUTHORIZED_KEYS FILE FORMAT. */
export type AuthorizedKeys = LineFile<AuthorizedKey>

/** The options at the start of a line: they end at the first white space outside double quotes, a backslash may hide a quote. */
function splitOptions(body: string): readonly [string, string] | undefined {
  const [text] = /^(?:[^\s"\\]|\\.|"(?:[^"\\]|\\.)*")+(?=[ \t])/.exec(body) ?? []
  return text === undefined ? undefined : [text, body.slice(text.length).trimStart()]
}

/**
 * Reads one line as sshd does: a key, or options and a key. `undefined` for a comment, a blank line and anything sshd would not accept:
 * an unknown type, a body that is not base64 or does not hold such a key.
 */
export function parseAuthorizedKey(line: string): AuthorizedKey | undefined {
  const body = line.trim()
  if (body === '' || body.startsWith('#') || /[\r\n\0]/.test(body)) return undefined
  const [first = ''] = body.split(/[ \t]/, 1)
  if (isPublicKeyType(first)) {
    const key = parsePublicKey(body)
    return key && { ...key, options: [] }
  }
  const [optionText, keyText] = splitOptions(body) ?? []
  const key = keyText === undefined ? undefined : parsePublicKey(keyText)
  if (optionText === undefined || key === undefined) return undefined
  return { ...key, options: optionText.match(/(?:[^,"\\]|\\.|"(?:[^"\\]|\\.)*")+/g) ?? [] }
}

/** True for one line that sshd takes as a key, options included. Callers check with it what people hand in. */
export function isAuthorizedKey(line: string): boolean {
  return parseAuthorizedKey(line) !== undefined
}

/** Parses the file. Any text: lines that are no key stay as they are. */
export function parseAuthorizedKeys(text: string): AuthorizedKeys {
  return parseLines(text, parseAuthorizedKey)
}

/**
 * Appends a key line as given, trimmed. The same file when the key is there already, under whatever options and comment.
 * Throws `RangeError` for a line that is not {@link isAuthorizedKey}.
 */
export function addAuthorizedKey(file: AuthorizedKeys, line: string): AuthorizedKeys {
  const entry = parseAuthorizedKey(line)
  if (entry === undefined) throw new RangeError('Not a public key line')
  if (file.entries.some((other) => other.body === entry.body)) return file
  return lineFile(insertLines(file.lines, file.lines.length, [{ text: `${line.trim()}\n`, entry }]))
}

/** Removes every line that holds the key with this base64 body. None: the same file. */
export function removeAuthorizedKey(file: AuthorizedKeys, body: string): AuthorizedKeys {
  const lines = file.lines.filter((line) => line.entry?.body !== body)
  return lines.length === file.lines.length ? file : lineFile(lines)
}
