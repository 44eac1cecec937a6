import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The short names of a package's licences, from the machine-readable form of its copyright file
 * (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/). Older files are searched for the common licences they refer to.
 * Best effort: an empty list where neither says anything.
 */
export function parseLicences(copyright: string): string[] {
  const names = /^Format:\s*\S*copyright-format/m.test(copyright)
    ? [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].map(([, name]) => (name ?? '').trim())
    : [...copyright.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9])/g)].map(([, name]) => name ?? '')
  return [...new Set(names.filter((name) => name !== ''))].sort()
}

/** Licences of one extracted package. */
export async function readLicences(root: string, packageName: string): Promise<string[]> {
  const text = await readFile(join(root, 'usr/share/doc', packageName, 'copyright'), 'utf8').catch(() => '')
  return parseLicences(text)
}
