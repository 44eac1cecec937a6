import { Document, parseDocument } from 'yaml'

/** A YAML text read into plain values, or the first thing that is wrong with it. */
export type YamlResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string /** From 1; 0 when unknown. */; readonly line: number }

/**
 * Parses one YAML document into plain values: maps become objects. Never throws. YAML 1.1 rules (`yes` is true), which Python's and C's
 * readers of netplan and cloud-init files follow. Aliases that blow up are refused. The empty text is `null`.
 */
export function parseYaml(text: string): YamlResult {
  const document = parseDocument(text, { version: '1.1', prettyErrors: true, logLevel: 'silent', uniqueKeys: true })
  const [error] = document.errors
  if (error !== undefined) return { ok: false, problem: error.message.split('\n', 1)[0] ?? error.code, line: error.linePos?.[0].line ?? 0 }
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) }
  } catch (error) {
    return { ok: false, problem: String(error), line: 0 }
  }
}

/**
 * Renders plain values as one YAML document behind a header (comment lines, or empty). Strings that a YAML 1.1 reader would take for
 * something else (`yes`, `012`, a MAC address of digits) are quoted; long lines are not folded; keys keep their order. `undefined` values
 * are left out.
 */
export function renderYaml(value: unknown, header = ''): string {
  const document = new Document(value, { version: '1.1', aliasDuplicateObjects: false, keepUndefined: false })
  return header + document.toString({ lineWidth: 0, directives: false })
}
