// Imports every entry point of every built package by itself, under plain Node and without the source condition: what a consumer gets.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
let failures = 0
let imported = 0

for (const group of ['packages', 'apps']) {
  for (const { name } of readdirSync(join(root, group), { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const directory = join(root, group, name)
    const { exports = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
      exports?: Record<string, string | Record<string, string>>
    }
    for (const [entry, conditions] of Object.entries(exports)) {
      // Data is not imported, and the command's own entry point runs it.
      if (typeof conditions === 'string' || entry === './main') continue
      const target = conditions['default'] ?? ''
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '--eval', `await import(${JSON.stringify(join(directory, target))})`],
        { encoding: 'utf8' },
      )
      imported += 1
      if (status !== 0) {
        failures += 1
        console.error(`${name} ${entry}: ${stderr}`)
      }
    }
  }
}
console.log(failures === 0 ? `${imported} entry points can be imported` : `${failures} of ${imported} entry points cannot be imported`)
process.exit(failures === 0 ? 0 : 1)
