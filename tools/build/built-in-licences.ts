import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where tsup leaves esbuild's account of what went into which file. */
const METAFILE = 'metafile-esm.json'

/** Of a path like `../../node_modules/.pnpm/zod@4/node_modules/zod/v4/core.js`: the package's directory and name. */
const PACKAGE = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//

/**
 * Puts the licences of the packages that esbuild built into a package's `dist` beside it, as these ask for: `BUILT-IN-LICENCES.txt`; no file where nothing was built in.
 * Run in the package's directory. Throws where one has no licence file.
 */
export function writeBuiltInLicences(dist: string): void {
  const { inputs } = JSON.parse(readFileSync(join(dist, METAFILE), 'utf8')) as { inputs: Readonly<Record<string, unknown>> }
  rmSync(join(dist, METAFILE))
  const found = Object.keys(inputs).flatMap((path) => {
    const [, directory, name] = PACKAGE.exec(path) ?? []
    return directory === undefined || name === undefined ? [] : [[name, directory] as const]
  })
  const sections = [...new Map(found)].sort().map(([name, directory]) => {
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string }
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry))
    if (file === undefined) throw new Error(`${name} has no licence file`)
    return `${name} ${version}\n\n${readFileSync(join(directory, file), 'utf8').trim()}\n`
  })
  if (sections.length > 0) writeFileSync(join(dist, 'BUILT-IN-LICENCES.txt'), sections.join('\n\n'))
}
