import { formatPatch, structuredPatch } from 'diff'
import type { DiffEntry, NodeState, TreeDiff } from './guest-fs.ts'

/** Beyond these a patch helps nobody and takes long to compute. */
const maxPatchBytes = 256 * 1024
const maxEditLength = 4000

/**
 * The tree's delta for people: one line per entry, then a unified diff where the content is text. Sensitive content is never in it. Whatever
 * a terminal would act on is escaped, since half of the text comes from the guest. Empty for an empty diff, else ends with a newline.
 */
export function renderDiff(diff: TreeDiff): string {
  return diff.map((entry) => `${summary(entry)}\n${renderPatch(entry) ?? ''}`).join('')
}

/**
 * The unified diff of one entry's content, ending with a newline. `undefined` when it is sensitive, binary, unchanged, not a file's, or too
 * big to be read. Terminal control characters are escaped (`\x1b`), so it is for reading, not for patch(1).
 */
export function renderPatch({ path, kind, content, sensitive }: DiffEntry): string | undefined {
  if (sensitive || content === undefined) return undefined
  const [before, after] = [textOf(content.before), textOf(content.after)]
  if (before === undefined || after === undefined || before === after) return undefined
  const name = escapeControls(path)
  const from = kind === 'added' ? '/dev/null' : `a${name}`
  const to = kind === 'removed' ? '/dev/null' : `b${name}`
  const patch = structuredPatch(from, to, escapeControls(before), escapeControls(after), undefined, undefined, {
    context: 3,
    maxEditLength,
  })
  // The library puts an Index line and a rule of equals signs before the two file names; they say nothing.
  return patch === undefined ? undefined : formatPatch(patch).replace(/^(?!---)[^\n]*\n(?:=+\n)?/, '')
}

/** A missing side is an empty text; `undefined`: not text, or too long. */
function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return ''
  if (bytes.byteLength > maxPatchBytes || bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const escapeControls = (text: string): string =>
  text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

function summary(entry: DiffEntry): string {
  const { path, kind, before, after } = entry
  const facts = before !== undefined && after !== undefined ? changes(before, after) : [description(after ?? before)]
  const content = contentNote(entry)
  return `${kind.padEnd(7)} ${escapeControls(path).replaceAll('\n', '\\n')}${list([...facts, ...(content === undefined ? [] : [content])])}`
}

const list = (facts: readonly string[]): string => (facts.length === 0 ? '' : `  ${facts.join(', ')}`)

function description(state: NodeState | undefined): string {
  if (state === undefined) return ''
  const owner = `${state.uid}:${state.gid}`
  if (state.type === 'symlink') return `link to ${linkText(state)}, ${owner}`
  return `${state.type === 'file' ? '' : `${state.type} `}${octal(state.mode)} ${owner}`
}

const linkText = ({ target = '' }: NodeState): string => JSON.stringify(escapeControls(target))

function changes(before: NodeState, after: NodeState): string[] {
  if (before.type !== after.type) return [`${before.type} -> ${after.type}`, description(after)]
  const facts: string[] = []
  if (before.target !== after.target) facts.push(`link ${linkText(before)} -> ${linkText(after)}`)
  if (before.mode !== after.mode) facts.push(`mode ${octal(before.mode)} -> ${octal(after.mode)}`)
  if (before.uid !== after.uid || before.gid !== after.gid) facts.push(`owner ${before.uid}:${before.gid} -> ${after.uid}:${after.gid}`)
  const names = new Set([...Object.keys(before.xattrs ?? {}), ...Object.keys(after.xattrs ?? {})])
  for (const name of [...names].sort()) if (before.xattrs?.[name] !== after.xattrs?.[name]) facts.push(`attribute ${escapeControls(name)}`)
  return facts
}

function contentNote(entry: DiffEntry): string | undefined {
  const { content, sensitive } = entry
  if (content === undefined || (content.before === undefined && content.after?.byteLength === 0)) return undefined
  if (sensitive) return '(content not shown)'
  if (renderPatch(entry) !== undefined) return undefined
  const sizes = [content.before?.byteLength, content.after?.byteLength].filter((size) => size !== undefined)
  return `(${textOf(content.before) === undefined || textOf(content.after) === undefined ? 'binary or long' : 'content'}, ${sizes.join(' -> ')} bytes)`
}
