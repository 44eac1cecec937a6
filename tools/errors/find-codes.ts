import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'

/** Where a code is given to an error or a finding. */
export interface CodeUse {
  readonly code: string
  /** Relative to the root of the repository. */
  readonly file: string
  readonly line: number
  /** The class it is thrown with, where that can be seen. */
  readonly thrownBy?: string
}

const codePattern = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/
/** Codes of one word. */
const words: ReadonlySet<string> = new Set(['ABORTED', 'INTERNAL'])
/** First words of codes that are errors: any such text in a source file is one. Other codes are those of a `code` property. */
const families =
  /^(INPUT|CONFIG|USAGE|DRIVER|APPLIANCE|QEMU|CAPABILITY|IMAGE|BLOCK|EXEC|GUEST|OPERATION|TIMEOUT|CLEANUP|INTERNAL)_[A-Z0-9_]*[A-Z0-9]$/

const isCode = (text: string) => words.has(text) || codePattern.test(text)

interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is SyntaxNode => typeof value === 'object' && value !== null && 'type' in value

/** Every use of a code in the sources of packages and apps, tests aside. */
export function findCodes(root: string): CodeUse[] {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).flatMap((name) =>
      sources(join(root, group, name, 'src')).flatMap((path) => codesOf(readFileSync(path, 'utf8'), path.slice(root.length + 1))),
    ),
  )
}

function sources(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/\.test\.ts$|(^|\/)(testing|fixtures|__captured__)\//.test(path))
    .map((path) => join(directory, path))
    .toSorted()
}

/** The codes in one source file. */
export function codesOf(text: string, file: string): CodeUse[] {
  if (file.endsWith('/error-catalogue.ts')) return []
  const uses: CodeUse[] = []
  const found = (code: string, node: SyntaxNode, thrownBy?: string) => {
    uses.push({ code, file, line: text.slice(0, node.start).split('\n').length, ...(thrownBy !== undefined && { thrownBy }) })
  }
  const visit = (node: SyntaxNode, given: { readonly asCode: boolean; readonly thrownBy?: string }): void => {
    if (node.type === 'Literal' && typeof node['value'] === 'string') {
      const value = node['value']
      if (families.test(value) || (given.asCode && isCode(value))) found(value, node, given.thrownBy)
      return
    }
    if (node.type === 'TSTypeAliasDeclaration' && name(node['id']) === 'FsErrorKind') {
      for (const kind of literals(node)) found(fsCode(kind), node)
    }
    // A comparison reads a code, a type only allows it.
    if (node.type === 'BinaryExpression' || /^TS.*(Type|Declaration|Annotation)$/.test(node.type)) return
    if (node.type === 'SwitchCase') {
      for (const child of children(node)) if (child !== node['test']) visit(child, { asCode: false })
      return
    }
    if (node.type === 'NewExpression' && name(node['callee'])?.endsWith('Error')) {
      const [first, ...rest] = (node['arguments'] as unknown[]).filter(isNode)
      if (first) visit(first, { asCode: true, thrownBy: name(node['callee']) ?? '' })
      for (const argument of rest) visit(argument, { asCode: false })
      return
    }
    const isCodeProperty = node.type === 'Property' && name(node['key']) === 'code'
    const passesOn =
      node.type === 'ConditionalExpression' || node.type === 'LogicalExpression' || /^TS(As|Satisfies)Expression$/.test(node.type)
    for (const child of children(node)) {
      if (isCodeProperty) visit(child, { asCode: true })
      else if (passesOn && child !== node['test']) visit(child, given)
      else visit(child, { asCode: false })
    }
  }
  visit(parseSync(file, text).program as unknown as SyntaxNode, { asCode: false })
  return uses
}

const children = (node: SyntaxNode): SyntaxNode[] => Object.values(node).flat().filter(isNode)
const name = (node: unknown) => (isNode(node) && typeof node['name'] === 'string' ? node['name'] : undefined)
const fsCode = (kind: string) => `FS_${kind.toUpperCase().replaceAll('-', '_')}`

function literals(node: SyntaxNode): string[] {
  return node.type === 'Literal' && typeof node['value'] === 'string' ? [node['value']] : children(node).flatMap(literals)
}
