import type { Diagnostic } from '@host-deployer/driver-api'
import type { z } from 'zod'
import { type Problem, pathText, problemDiagnostic, problemsError } from './problem.ts'
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

/**
 * Validates a document. Every unknown or unsupported key is named with its line, in one error with all other problems; with `ignoreUnsupported`
 * such keys are removed from the document and become diagnostics. Throws `InputError`.
 */
export function checkDocument<Schema extends z.ZodType>(
  schema: Schema,
  document: LocatedDocument,
  options: { readonly ignoreUnsupported: boolean; readonly diagnostics: Diagnostic[] },
): z.output<Schema> {
  for (;;) {
    const result = schema.safeParse(document.value)
    if (result.success) return result.data
    const findings = result.error.issues.flatMap((issue) => findingsOf(issue, [], document))
    const keys = findings.filter(({ code }) => code.startsWith('INPUT_KEY_'))
    if (!options.ignoreUnsupported || keys.length === 0) throw problemsError(findings.map(({ at: _, ...problem }) => problem))
    for (const { at, ...problem } of keys) {
      remove(document.value, at)
      options.diagnostics.push(problemDiagnostic(problem))
    }
  }
}

function findingsOf(issue: Issue, base: readonly PropertyKey[], document: LocatedDocument): Finding[] {
  const at = [...base, ...issue.path]
  const finding = (code: string, message: string, path: readonly PropertyKey[] = at): Finding => {
    const position = document.locate(path)
    const shown = pathText(path)
    return { code, file: document.file, ...(shown !== '' && { path: shown }), ...position, message, at: path }
  }
  if (issue.code === 'unrecognized_keys') {
    const siblings = Object.keys((valueAt(document.value, at) as object | undefined) ?? {})
    return issue.keys.map((key) => unknownKey(key, issue.message, at, siblings, finding))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The alternative that fits the kind of value is the one that was meant; its problems are the ones to show.
    const meant = issue.errors.filter(
      (issues) => !issues.some(({ code, path }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')),
    )
    const best = meant.toSorted((a, b) => a.length - b.length)[0]
    if (best !== undefined) return best.flatMap((inner) => findingsOf(inner, at, document))
    const kinds = [...new Set(issue.errors.flat().map(expectation))]
    return [finding('INPUT_INVALID', `expected ${kinds.join(' or ')}`)]
  }
  if (issue.code === 'invalid_union') return [finding('INPUT_INVALID', 'is none of the values allowed here')]
  if (issue.code === 'custom') return [finding((issue.params as IssueParams | undefined)?.code ?? 'INPUT_INVALID', issue.message)]
  if (issue.code === 'invalid_type' && valueAt(document.value, at) === undefined) return [finding('INPUT_INVALID', 'is missing')]
  return [
    finding(
      'INPUT_INVALID',
      issue.code === 'invalid_type' || issue.code === 'invalid_value' ? `expected ${expectation(issue)}` : issue.message,
    ),
  ]
}

function unknownKey(
  key: string,
  vocabulary: string,
  at: readonly PropertyKey[],
  siblings: readonly string[],
  finding: (code: string, message: string, path: readonly PropertyKey[]) => Finding,
): Finding {
  const { supported, unsupported } = vocabularyOf(vocabulary)
  const path = [...at, key]
  if (unsupported.includes(key))
    return finding('INPUT_KEY_UNSUPPORTED', 'cloud-init knows this key, host-deployer does not support it yet', path)
  const meant = closest(
    key,
    [...supported, ...unsupported].filter((name) => !siblings.includes(name)),
  )
  return finding('INPUT_KEY_UNKNOWN', meant === undefined ? 'unknown key' : `unknown key; did you mean ${meant}?`, path)
}

/** Names of what is allowed, never the value given. */
function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return kinds[issue.expected] ?? issue.expected
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value)).join(' or ')
  return issue.message
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

/** List entries become `null`, which schemas of lists that may lose one skip, so that the others keep their numbers. */
function remove(root: unknown, path: readonly PropertyKey[]): void {
  const key = path.at(-1)
  const parent = valueAt(root, path.slice(0, -1))
  if (key === undefined || typeof parent !== 'object' || parent === null) return
  if (Array.isArray(parent) && typeof key === 'number') parent[key] = null
  else Reflect.deleteProperty(parent, key)
}
