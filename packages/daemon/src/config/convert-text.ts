import type { Setting } from './settings.ts'

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
}

/** `true yes on 1` and `false no off 0`, in any case; `undefined` for anything else. Pure. */
export const booleanOf = (text: string): boolean | undefined => booleans[text.trim().toLowerCase()]

/** A whole number in decimal; `undefined` for anything else. Pure. */
export function wholeNumberOf(text: string): number | undefined {
  const number = /^[+-]?\d{1,15}$/.test(text.trim()) ? Number(text) : undefined
  return number
}

/** A text of the environment or the command line as the kind of value its setting takes. Pure. `undefined`: it is no such value. */
export function convertText(kind: Setting['kind'], text: string): unknown {
  switch (kind) {
    case 'text':
      return text
    case 'number':
      return wholeNumberOf(text)
    case 'boolean':
      return booleanOf(text)
    case 'paths':
      return parts(text, ':')
    case 'addresses':
      return parts(text, ',')
    case 'map':
      return jsonObject(text)
  }
}

/** What {@link convertText} would have taken. */
export const kindNames: Readonly<Record<Setting['kind'], string>> = {
  text: 'a text',
  number: 'a whole number',
  boolean: 'true or false',
  paths: 'a list separated by ":"',
  addresses: 'a list separated by ","',
  map: 'a JSON object',
}

function parts(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
