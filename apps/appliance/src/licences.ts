import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** For copyright files that tell their licence in a sentence only. */
const phrases: readonly (readonly [RegExp, string])[] = [
  [/GNU\s+Lesser\s+General\s+Public\s+License/i, 'LGPL'],
  [/GNU\s+General\s+Public\s+License/i, 'GPL'],
  [/Redistribution\s+and\s+use\s+in\s+source\s+and\s+binary\s+forms/i, 'BSD'],
  [/Permission\s+is\s+hereby\s+granted,\s+free\s+of\s+charge/i, 'MIT'],
]

/**
 * The short names of a package's licences, from the machine-readable form of its copyright file
 * (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/). Older files are searched for the common licences they
 * refer to, or for well-known sentences. Best effort: an empty list where nothing is found.
 */
export function parseLicences(copyright: string): string[] {
  const names = /^Format:\s*\S*copyright-format/m.test(copyright)
    ? [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].map(([, name]) => (name ?? '').trim())
    : [...copyright.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9])/g)].map(([, name]) => name ?? '')
  const found = new Set(names.filter((name) => name !== ''))
  if (found.size === 0) for (const [phrase, name] of phrases) if (phrase.test(copyright)) found.add(name)
  return [...found].sort()
}

/** Licences of one extracted package. */
export async function readLicences(root: string, packageName: string): Promise<string[]> {
  const text = await readFile(join(root, 'usr/share/doc', packageName, 'copyright'), 'utf8').catch(() => '')
  return parseLicences(text)
}
