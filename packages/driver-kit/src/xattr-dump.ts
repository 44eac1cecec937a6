import type { XattrChange } from '@host-deployer/driver-api'

// The text format of getfattr --dump and setfattr --restore; see getfattr(1). A path or name has backslash, newline and carriage return
// (and, in names, "=") as backslash and three octal digits; values are asked for in hexadecimal.

function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  const bytes: number[] = []
  const source = Buffer.from(text)
  for (let i = 0; i < source.length; i += 1) {
    const digits = source[i] === 0x5c ? /^[0-7]{3}/.exec(source.toString('latin1', i + 1, i + 4)) : null
    if (digits === null) bytes.push(source[i] ?? 0)
    else {
      bytes.push(Number.parseInt(digits[0], 8))
      i += 3
    }
  }
  return Buffer.from(bytes).toString()
}

const escapeOctal = (text: string): string =>
  text.replaceAll(/[\\\n\r=]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)

/** Reads the output of `getfattr --absolute-names -h -d -m - -e hex`. Files without attributes are not in it. */
export function parseXattrDump(text: string): Map<string, Map<string, Uint8Array>> {
  const files = new Map<string, Map<string, Uint8Array>>()
  let attributes: Map<string, Uint8Array> | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('# file: ')) {
      attributes = new Map()
      files.set(unescapeOctal(line.slice(8)), attributes)
      continue
    }
    const match = /^(.+?)(?:=0x([0-9a-f]*))?$/i.exec(line)
    if (match === null || attributes === undefined) continue
    attributes.set(unescapeOctal(match[1] ?? ''), new Uint8Array(Buffer.from(match[2] ?? '', 'hex')))
  }
  return files
}

/** Renders changes as `setfattr -h --restore=-` takes them. */
export function renderXattrDump(changes: readonly XattrChange[]): string {
  let text = ''
  for (const { path, attributes } of changes) {
    if (attributes.size === 0) continue
    text += `# file: ${escapeOctal(path)}\n`
    for (const [name, value] of attributes) text += `${escapeOctal(name)}=0x${Buffer.from(value).toString('hex')}\n`
    text += '\n'
  }
  return text
}
