import { Document, isScalar, LineCounter, parseDocument, Scalar, visit } from 'yaml'

/** A YAML text read into plain values, or the first thing that is wrong with it. */
export type YamlResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string /** From 1; 0 when unknown. */; readonly line: number }

/** Where a key stands twice in one map. The library's own check takes time that grows with the square of the keys. */
function duplicateKeyOffset(document: ReturnType<typeof parseDocument>): number | undefined {
  let offset: number | undefined
  visit(document, {
    Map: (_key, map) => {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key) || key.value === '<<' || typeof key.value === 'symbol') continue
        if (seen.has(key.value)) {
          offset = key.range?.[0] ?? 0
          return visit.BREAK
        }
        seen.add(key.value)
      }
      return undefined
    },
  })
  return offset
}

/**
 * Parses one YAML document into plain values: maps become objects. Never throws. YAML 1.1 rules (`yes` is true), which Python's and C's
 * readers of netplan and cloud-init files follow. A key twice in one map, nesting beyond reason and aliases that blow up are refused.
 * The empty text is `null`.
 */
export function parseYaml(text: string): YamlResult {
  try {
    const lineCounter = new LineCounter()
    const document = parseDocument(text, { version: '1.1', logLevel: 'silent', uniqueKeys: false, lineCounter })
    const [error] = document.errors
    if (error !== undefined)
      return { ok: false, problem: error.message.split('\n', 1)[0] ?? error.code, line: error.linePos?.[0].line ?? 0 }
    const offset = duplicateKeyOffset(document)
    if (offset !== undefined) return { ok: false, problem: 'Map keys must be unique', line: lineCounter.linePos(offset).line }
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) }
  } catch (error) {
    return { ok: false, problem: String(error), line: 0 }
  }
}

// Characters that YAML lets stand in double quotes only, and of these the ones that readers want escaped there.
const quotedOnly = /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]/
const escapedOnly = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g

/**
 * Renders plain values as one YAML document behind a header (comment lines, or empty). Strings that a YAML 1.1 reader would take for
 * something else (`yes`, `012`, a MAC address of digits) are quoted; long lines are not folded; keys keep their order. `undefined` values
 * are left out.
 */
export function renderYaml(value: unknown, header = ''): string {
  const document = new Document(value, {
    version: '1.1',
    // Its tag object would write `<<` bare, whatever quotes are asked for.
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:merge'),
    aliasDuplicateObjects: false,
    keepUndefined: false,
  })
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value !== 'string') return
      // PyYAML takes a lone `=` or `<<` for a tag of YAML 1.1 that it then cannot build, and it loses leading space of a block.
      if (quotedOnly.test(node.value) || /^(=|<<|\s[\s\S]*\n[\s\S]*)$/.test(node.value)) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  const text = document.toString({ lineWidth: 0, directives: false, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
  return header + text.replaceAll(escapedOnly, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
