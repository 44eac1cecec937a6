import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import { type Problem, problemsError } from './problem.ts'

/** Where a value starts, both from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** One file of a request as plain values, with the position of each. */
export interface LocatedDocument {
  readonly file: string
  /** Maps have no prototype. A key without a value is left out, cloud-init takes it for absent; in a map of names it is null. */
  readonly value: unknown
  /** Position of a key or list entry; of the nearest one above it that is written in the file when there is none. */
  locate(path: readonly PropertyKey[]): Position | undefined
}

/** Maps from names of the user's own: a name without value is a name still. */
const keepsEmpty: ReadonlySet<string | undefined> = new Set(['ethernets', 'groups'])

const maxTextLength = 4 * 1024 * 1024
const maxDepth = 64
/** After a first mistake most others are its consequences. */
const maxFaults = 5
/** Values after aliases are expanded: many times what a real request has, few enough for a moment's work. */
const maxValues = 100_000

/** Without the file's text, which may hold a password just where the mistake is. */
const faults: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag',
  BAD_ALIAS: 'an alias or anchor is malformed',
  BAD_COLLECTION_TYPE: 'a tag does not fit its list or map',
  BAD_DIRECTIVE: 'a % line at the top is not a YAML directive',
  BAD_DQ_ESCAPE: 'a double-quoted text has an unknown \\ escape',
  BAD_INDENT: 'the indentation does not fit',
  BAD_PROP_ORDER: 'an anchor or a tag is in the wrong place',
  BAD_SCALAR_START: 'a plain text cannot start with this character; quote it',
  BLOCK_AS_IMPLICIT_KEY: 'a map is nested on the line of its key; is a quote missing around text with ": " in it?',
  BLOCK_IN_FLOW: 'a block is not allowed inside brackets',
  DUPLICATE_KEY: 'a key is given twice in one map',
  IMPOSSIBLE: 'the text makes no sense as YAML here',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'a closing quote, a bracket or a space is missing',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines; is a colon or a quote missing?',
  MULTIPLE_ANCHORS: 'a value has two anchors',
  MULTIPLE_DOCS: 'the file holds more than one YAML document',
  MULTIPLE_TAGS: 'a value has two tags',
  NON_STRING_KEY: 'a key is not a plain text',
  TAB_AS_INDENT: 'tabs cannot indent; use spaces',
  TAG_RESOLVE_FAILED: 'a tag is unknown, or its value does not fit it',
  UNEXPECTED_TOKEN: 'unexpected text',
}

/**
 * Reads YAML 1.1 as PyYAML's safe loader would for cloud-init: `yes` and `on` are booleans, `0644` is octal, `<<` merges. Three differences, in the
 * user's favour: dates stay text, a key given twice is refused, and a number that is not written in plain decimal (`0123`, `1_000`, `12:30`, a MAC
 * address) stays the text it is. Throws `INPUT_YAML_INVALID` with every fault's position, `INPUT_CONTENT_TOO_LARGE`.
 */
export function readYaml(file: string, text: string): LocatedDocument {
  const fail = (message: string, position?: Position, code = 'INPUT_YAML_INVALID'): never => {
    const problem: Problem = { code, file, message, ...position }
    throw problemsError([problem])
  }
  if (text.length > maxTextLength) fail(`is longer than ${maxTextLength / 1024 / 1024} MiB`, undefined, 'INPUT_CONTENT_TOO_LARGE')

  const lines = new LineCounter()
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const document = parse(text, lines)
  if (document === undefined) return fail('is nested too deeply')
  if (document.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) fail('is nested too deeply')
  const broken = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0]).slice(0, maxFaults)
  if (broken.length > 0) {
    throw problemsError(
      broken.map(({ code, pos }) => ({
        code: 'INPUT_YAML_INVALID',
        file,
        message: faults[code] ?? 'malformed YAML',
        ...positionAt(pos[0]),
      })),
    )
  }

  const positions = new WeakMap<object, Map<PropertyKey, Position>>()
  let values = 0
  const convert = (node: Node | null | undefined, depth: number, key: string | undefined): unknown => {
    const position = node?.range ? positionAt(node.range[0]) : undefined
    values += 1
    if (values > maxValues) fail('holds too many values, aliases counted each time they are used', position, 'INPUT_CONTENT_TOO_LARGE')
    if (depth > maxDepth) fail('is nested too deeply', position)
    if (isAlias(node)) return convert(resolve(node), depth + 1, key)
    if (isScalar(node)) {
      const value = scalarValue(node)
      return value instanceof Uint8Array && key !== 'content'
        ? fail('binary data can only be the content of a file', position, 'INPUT_INVALID')
        : value
    }
    if (isSeq(node)) {
      const list: unknown[] = []
      const places = new Map<PropertyKey, Position>()
      positions.set(list, places)
      for (const [index, item] of node.items.entries()) {
        list.push(convert(item as Node, depth + 1, undefined))
        const range = (item as ParsedNode | null)?.range
        if (range) places.set(index, positionAt(range[0]))
      }
      return list
    }
    if (isMap(node)) {
      const map: Record<string, unknown> = Object.create(null)
      const places = new Map<PropertyKey, Position>()
      positions.set(map, places)
      fillMap(map, places, node, depth, key)
      return map
    }
    return null
  }
  const resolve = (alias: Alias): Node | undefined => {
    const target = alias.resolve(document)
    return target ?? fail('an alias names no anchor before it', alias.range ? positionAt(alias.range[0]) : undefined)
  }
  const fillMap = (
    map: Record<string, unknown>,
    places: Map<PropertyKey, Position>,
    node: YAMLMap,
    depth: number,
    mapKey: string | undefined,
  ) => {
    const merges: Node[] = []
    for (const { key, value } of node.items) {
      const range = (key as ParsedNode | null)?.range
      const position = range ? positionAt(range[0]) : undefined
      const name = isScalar(key) ? keyName(key) : undefined
      if (name === undefined || name === '__proto__') return fail('a key is not a plain text', position)
      if (name === '<<' && isScalar(key) && key.type === 'PLAIN') {
        merges.push(value as Node)
        continue
      }
      if (places.has(name)) fail('a key is given twice in one map', position)
      if (position) places.set(name, position)
      const converted = convert(value as Node | null, depth + 1, name)
      if (converted !== null || keepsEmpty.has(mapKey)) map[name] = converted
    }
    for (const merge of merges) mergeInto(map, places, merge, depth)
  }
  /** The merge key of YAML 1.1: keys of the map itself win, then those of the first map merged. */
  const mergeInto = (map: Record<string, unknown>, places: Map<PropertyKey, Position>, source: Node, depth: number) => {
    const value = convert(source, depth + 1, undefined)
    for (const from of Array.isArray(value) ? value : [value]) {
      if (!isPlainMap(from)) return fail('<< takes a map or a list of maps', source.range ? positionAt(source.range[0]) : undefined)
      for (const [name, item] of Object.entries(from)) {
        if (places.has(name)) continue
        map[name] = item
        const position = positions.get(from)?.get(name)
        if (position) places.set(name, position)
      }
    }
  }

  const value = convert(document.contents, 0, undefined)
  return { file, value, locate: (path) => locate(value, positions, path) }
}

function parse(text: string, lines: LineCounter) {
  try {
    return parseDocument(text, {
      version: '1.1',
      lineCounter: lines,
      prettyErrors: false,
      // Compared key by key by the parser, by a set below.
      uniqueKeys: false,
      keepSourceTokens: false,
      customTags: (tags) =>
        tags.filter((tag) => tag !== 'timestamp' && (typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp')),
    })
  } catch (error) {
    // The parser calls itself for each level of nesting.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function keyName(key: Scalar): string | undefined {
  if (typeof key.value === 'string') return key.value
  return key.source === undefined || key.value === null ? undefined : key.source
}

function scalarValue(node: Scalar): unknown {
  const { value, source } = node
  // A boolean in YAML 1.1 as it is written down, and a text to PyYAML.
  if (typeof value === 'boolean' && source?.length === 1) return source
  if (typeof value === 'bigint') return source ?? String(value)
  if (typeof value !== 'number' || source === undefined || source === String(value)) return value
  return source
}

const isPlainMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

function locate(root: unknown, positions: WeakMap<object, Map<PropertyKey, Position>>, path: readonly PropertyKey[]): Position | undefined {
  let value = root
  let nearest: Position | undefined
  for (const key of path) {
    if (typeof value !== 'object' || value === null) break
    nearest = positions.get(value)?.get(key) ?? nearest
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return nearest
}
