import type { Diagnostic } from '@host-deployer/driver-api'
import type * as z from 'zod'
import { type Problem, pathText, problemDiagnostic, problemsError, type Unsupported } from './problem.ts'
import type { LocatedDocument } from './read-yaml.ts'
import { vocabularyOf } from './schema/keyed.ts'
import { closest } from './suggest.ts'

type Issue = z.core.$ZodIssue

interface Finding extends Problem {
  readonly at: readonly PropertyKey[]
}

/** What a schema's own checks report through `params` of a custom issue. */
export interface IssueParams {
  readonly code: string
}

export interface CheckOptions {
  readonly unsupported: 'refuse' | Unsupported
  readonly diagnostics: Diagnostic[]
}

/**
 * Validates a document. Every unknown or unsupported key is named with its line, in one error with all other problems; unless they are to be refused,
 * such keys are removed from the document and become diagnostics. Throws `InputError`.
 */
export function checkDocument<Schema extends z.ZodType>(
  schema: Schema,
  document: LocatedDocument,
  { unsupported, diagnostics }: CheckOptions,
): z.output<Schema> {
  for (;;) {
    // Code generated for a schema pays with thousands of documents; a command has one.
    const result = schema.safeParse(document.value, { error: withoutInput, jitless: true })
    if (result.success) return result.data
    const findings = result.error.issues
      .flatMap((issue) => leaves(issue, []))
      .flatMap((leaf) => findingOf(leaf, document))
      .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
    const keys = findings.filter(({ code }) => code.startsWith('INPUT_KEY_'))
    // Each round removes something, so there is a last one.
    const removed = unsupported !== 'refuse' && keys.length > 0 && keys.every(({ at }) => remove(document.value, at))
    if (!removed) throw problemsError(findings.map(({ at: _, ...problem }) => problem))
    for (const { at: _, ...problem } of keys) diagnostics.push(problemDiagnostic(problem, unsupported))
  }
}

/**
 * What is expected is said below. The library's own message names the class of what it got, which it takes to be `constructor.name`: in a map of the
 * user's that is anything, an object that is no text as well.
 */
const withoutInput = ({ code }: { readonly code?: string }): string | undefined => (code === 'invalid_type' ? 'of another kind' : undefined)

/** An issue without alternatives, its path from the root of the document. */
type Leaf =
  | Exclude<Issue, { readonly code: 'invalid_union' }>
  | { readonly code: 'none-fits'; readonly path: PropertyKey[]; readonly kinds: readonly string[] }

/** The alternative that fits the kind of value is the one that was meant; its problems are the ones to show. */
function leaves(issue: Issue, base: readonly PropertyKey[]): Leaf[] {
  const path = [...base, ...issue.path]
  if (issue.code !== 'invalid_union') return [{ ...issue, path }]
  const alternatives = issue.errors.map((issues) => issues.flatMap((inner) => leaves(inner, path)))
  const isAbout = (leaf: Leaf) => leaf.path.length === path.length
  const wrongKind = (leaf: Leaf) => isAbout(leaf) && ['invalid_type', 'invalid_value', 'none-fits'].includes(leaf.code)
  const foreignKeys = (list: readonly Leaf[]) =>
    list.reduce((sum, leaf) => sum + (leaf.code === 'unrecognized_keys' && isAbout(leaf) ? leaf.keys.length : 0), 0)
  const [best] = alternatives
    .filter((list) => !list.some(wrongKind))
    .toSorted((a, b) => foreignKeys(a) - foreignKeys(b) || a.length - b.length)
  return best ?? [{ code: 'none-fits', path, kinds: [...new Set(alternatives.flat().flatMap(expectations))] }]
}

function findingOf(leaf: Leaf, document: LocatedDocument): Finding[] {
  const at = leaf.path
  const finding = (code: string, message: string, path: readonly PropertyKey[] = at): Finding => {
    const position = document.locate(path)
    const shown = pathText(path)
    return { code, file: document.file, ...(shown !== '' && { path: shown }), ...position, message, at: path }
  }
  if (leaf.code === 'unrecognized_keys') return unknownKeys(leaf, valueAt(document.value, at), finding)
  if (leaf.code === 'custom') return [finding((leaf.params as IssueParams | undefined)?.code ?? 'INPUT_INVALID', leaf.message)]
  if (at.length > 0 && valueAt(document.value, at) === undefined) return [finding('INPUT_INVALID', 'is missing')]
  const kinds = expectations(leaf)
  if (kinds.length === 0) return [finding('INPUT_INVALID', leaf.code === 'none-fits' ? 'is none of the values allowed here' : leaf.message)]
  return [finding('INPUT_INVALID', `expected ${expected(kinds)}`)]
}

/** Suggestions cost time, and nobody reads hundreds. */
const maxSuggestions = 20

function unknownKeys(
  leaf: Extract<Leaf, { readonly code: 'unrecognized_keys' }>,
  map: unknown,
  finding: (code: string, message: string, path: readonly PropertyKey[]) => Finding,
): Finding[] {
  const { supported, unsupported } = vocabularyOf(leaf.message)
  const given = new Set(typeof map === 'object' && map !== null ? Object.keys(map) : [])
  const candidates = [...supported, ...unsupported].filter((name) => !given.has(name))
  return leaf.keys.map((key, index) => {
    const path = [...leaf.path, key]
    if (unsupported.includes(key)) {
      return finding('INPUT_KEY_UNSUPPORTED', 'cloud-init knows this key, host-deployer does not support it yet', path)
    }
    const meant = index < maxSuggestions ? closest(key, candidates) : undefined
    return finding('INPUT_KEY_UNKNOWN', meant === undefined ? 'unknown key' : `unknown key; did you mean ${meant}?`, path)
  })
}

/** Names of what is allowed, never the value given. */
function expectations(leaf: Leaf): readonly string[] {
  if (leaf.code === 'none-fits') return leaf.kinds
  if (leaf.code === 'invalid_type') return [kinds[leaf.expected] ?? leaf.expected]
  return leaf.code === 'invalid_value' ? leaf.values.map((value) => JSON.stringify(value)) : []
}

/** Booleans and texts may be written in other ways; naming those would only confuse. */
function expected(names: readonly string[]): string {
  const spare = names.includes(kinds['boolean'] ?? '') ? ['string', 'number'] : names.includes(kinds['string'] ?? '') ? ['number'] : []
  const left = names.filter((name) => !spare.some((kind) => kinds[kind] === name) && name !== 'null')
  return left.join(' or ')
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text (quote it)',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

/** List entries become `null`, which schemas of lists that may lose one skip, so that the others keep their numbers. False: nothing to remove. */
function remove(root: unknown, path: readonly PropertyKey[]): boolean {
  const key = path.at(-1)
  const parent = valueAt(root, path.slice(0, -1))
  if (key === undefined || typeof parent !== 'object' || parent === null) return false
  if (Array.isArray(parent) && typeof key === 'number') {
    const present = parent[key] !== null
    parent[key] = null
    return present
  }
  return Object.hasOwn(parent, key) && Reflect.deleteProperty(parent, key)
}
