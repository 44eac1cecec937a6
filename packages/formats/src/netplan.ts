import { generatedHeader } from './generated-header.ts'
import { parseYaml, renderYaml, type YamlResult } from './yaml-file.ts'

/** A netplan document as plain data, netplan(5): `{ network: { version: 2, ethernets: { ... } } }`. */
export interface NetplanDocument {
  readonly network: Readonly<Record<string, unknown>>
}

/** Renders a file for `/etc/netplan`; write it with mode 0600, netplan complains about others. */
export function renderNetplan(document: NetplanDocument): string {
  return renderYaml(document, generatedHeader('#'))
}

/** Parses a file of `/etc/netplan`. */
export function parseNetplan(text: string): YamlResult {
  return parseYaml(text)
}
