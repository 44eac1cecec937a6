import { stringify } from 'yaml'
import type { NodeState, TreeDiff } from './guest-fs.ts'

export interface SerializeDiffOptions {
  /** Put sensitive content into the text as well. For golden files made from invented secrets; never for a real guest. Default false. */
  readonly sensitiveContent?: boolean
}

/**
 * The tree's delta as YAML that stays the same from run to run and can be reviewed: one item per entry, sorted by path; modes as octal text;
 * new content as a block of text, or base64 where it is not printable text; of the old side only what is different (content as its digest).
 */
export function serializeDiff(diff: TreeDiff, { sensitiveContent = false }: SerializeDiffOptions = {}): string {
  const items = diff.map(({ path, kind, before, after, sensitive, content }) => ({
    path,
    kind,
    ...(after === undefined ? {} : fields(after)),
    ...(sensitive ? { sensitive } : {}),
    ...contentField(content?.after, sensitive && !sensitiveContent),
    ...(before === undefined ? {} : { was: previous(before, after) }),
  }))
  return stringify(items, { lineWidth: 0, blockQuote: 'literal' })
}

interface Fields {
  readonly type: string
  readonly mode?: string
  readonly uid: number
  readonly gid: number
  readonly target?: string
  readonly xattrs?: Readonly<Record<string, string>>
}

function fields({ type, mode, uid, gid, target, xattrs }: NodeState): Fields {
  return {
    type,
    ...(type === 'symlink' ? {} : { mode: mode.toString(8).padStart(4, '0') }),
    uid,
    gid,
    ...(target === undefined ? {} : { target }),
    ...(xattrs === undefined ? {} : { xattrs }),
  }
}

function previous(before: NodeState, after: NodeState | undefined): Readonly<Record<string, unknown>> {
  const now: Readonly<Record<string, unknown>> = after === undefined ? {} : { ...fields(after) }
  const different = Object.entries(fields(before)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(now[name]))
  const digest = before.sha256 === undefined || before.sha256 === after?.sha256 ? {} : { sha256: before.sha256 }
  return { ...Object.fromEntries(different), ...digest }
}

function contentField(bytes: Uint8Array | undefined, hidden: boolean): Readonly<Record<string, string>> {
  if (bytes === undefined) return {}
  if (hidden) return { content: '(not shown)' }
  const base64 = { base64: Buffer.from(bytes).toString('base64') }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return /[\x00-\x08\x0b-\x1f\x7f\ufeff]/.test(text) ? base64 : { content: text }
  } catch {
    return base64
  }
}
