import { readFile, stat } from 'node:fs/promises'
import { ConfigError, DeployError } from '@host-deployer/driver-api'
import { isMap, isScalar, LineCounter, type Node, parseDocument, type Scalar } from 'yaml'
import { configError } from './config-problem.ts'
import { keyValueLines } from './key-value-lines.ts'

/** One key at the top of a file. */
export interface FileEntry {
  readonly name: string
  /** From 1. */
  readonly line: number
  /** Made only when it is asked for: of keys that are not ours no value ever leaves the parser. */
  value(): unknown
  /** Line of a key inside the value; of the value itself when there is no such key. */
  lineOf(path: readonly PropertyKey[]): number
}

export interface ConfigFile {
  readonly path: string
  /** In the order of the file. */
  readonly entries: readonly FileEntry[]
}

export interface ConfigFileOptions {
  /**
   * `field`: YAML 1.1 as the platform's own programs take it, a key given twice is the last one, and `key = value` lines, which they read as well.
   * `ours`: YAML 1.2, each key once.
   */
  readonly dialect: 'field' | 'ours'
}

const maxSizeBytes = 1024 * 1024

/**
 * Reads one configuration file; `undefined` when there is none. Throws `CONFIG_FILE_UNREADABLE` (no permission, no regular file, no UTF-8, over 1 MiB) and
 * `CONFIG_INVALID` (no YAML map), whose message has the line and nothing of the text.
 */
export async function readConfigFile(path: string, { dialect }: ConfigFileOptions): Promise<ConfigFile | undefined> {
  const text = await readText(path)
  return text === undefined ? undefined : { path, entries: parseEntries(path, text, dialect) }
}

async function readText(path: string): Promise<string | undefined> {
  let bytes: Buffer
  try {
    // Reading a FIFO would wait for somebody to write, and a device might never end.
    if (!(await stat(path)).isFile()) throw unreadable(path, 'is not a regular file')
    bytes = await readFile(path)
  } catch (cause) {
    if (DeployError.isInstance(cause)) throw cause
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unreadable(path, `cannot be read (${code ?? 'unknown error'})`, cause)
  }
  if (bytes.length > maxSizeBytes) throw unreadable(path, 'is larger than 1 MiB')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unreadable(path, 'is not UTF-8 text')
  }
}

function unreadable(path: string, what: string, cause?: unknown): ConfigError {
  return new ConfigError('CONFIG_FILE_UNREADABLE', `The configuration file ${path} ${what}`, {
    hint: 'Check the path, the permissions and the contents of the file.',
    context: { file: path },
    cause,
  })
}

function parseEntries(path: string, text: string, dialect: ConfigFileOptions['dialect']): readonly FileEntry[] {
  const lines = new LineCounter()
  const lineAt = (node: Node | null | undefined) => Math.max(lines.linePos(node?.range?.[0] ?? 0).line, 1)
  const invalid = (line: number, message: string) =>
    configError([
      {
        code: 'CONFIG_INVALID',
        source: { kind: 'file', file: path, line, name: 'YAML' },
        message,
        hint: 'Write the file as YAML, one "key: value" on each line.',
      },
    ])
  const document = parse(text, lines, dialect)
  if (document === undefined) throw invalid(1, 'is nested too deeply')
  const root = document.contents
  const [fault] = document.errors
  if (fault !== undefined || (root !== null && !isMap(root))) {
    const entries = dialect === 'field' ? keyValueLines(text) : undefined
    if (entries !== undefined) return entries
    // The parser's own message quotes the text.
    throw fault === undefined
      ? invalid(lineAt(root), 'is not a map of keys and values')
      : invalid(Math.max(lines.linePos(fault.pos[0]).line, 1), `is not valid YAML here (${fault.code})`)
  }
  if (root === null) return []
  const entries = new Map<string, FileEntry>()
  for (const pair of root.items) {
    const key = pair.key as Node | null
    const node = pair.value as Node | null
    const name = isScalar(key) ? nameOf(key, dialect) : undefined
    if (name === undefined) {
      if (dialect === 'field') continue
      throw invalid(lineAt(key), 'a key is not a plain text')
    }
    entries.delete(name)
    entries.set(name, {
      name,
      line: lineAt(key),
      value() {
        try {
          return node?.toJS(document) ?? null
        } catch {
          throw invalid(lineAt(key), 'an alias names no anchor, or too many are used')
        }
      },
      lineOf: (keys) => lineOf(node, keys, lineAt, lineAt(key)),
    })
  }
  return [...entries.values()]
}

/** To YAML 1.1 the key `on` is a boolean; in host.conf it is one more key that is not ours. */
function nameOf({ value, source }: Scalar, dialect: ConfigFileOptions['dialect']): string | undefined {
  if (typeof value === 'string') return value
  return dialect === 'field' ? source : undefined
}

function parse(text: string, lineCounter: LineCounter, dialect: ConfigFileOptions['dialect']) {
  try {
    return parseDocument(text, {
      version: dialect === 'field' ? '1.1' : '1.2',
      lineCounter,
      prettyErrors: false,
      uniqueKeys: dialect === 'ours',
      // A second document of host.conf is not read, as in the field; of ours it is a mistake.
      logLevel: dialect === 'ours' ? 'error' : 'silent',
    })
  } catch (error) {
    // The parser calls itself for each level of nesting.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function lineOf(node: Node | null, path: readonly PropertyKey[], lineAt: (node: Node | null) => number, nearest: number): number {
  const [key, ...rest] = path
  if (key === undefined || !isMap(node)) return nearest
  const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key)
  return pair === undefined ? nearest : lineOf(pair.value as Node | null, rest, lineAt, lineAt(pair.key as Node))
}
