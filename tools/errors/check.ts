// Every code in the sources is in the catalogue (packages/api/src/catalogue), every code of the catalogue is in the sources, and docs/errors.md is current.
// Prints one line per violation and exits 1.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorCatalogue } from '../../packages/api/src/error-catalogue.ts'
import { findCodes } from './find-codes.ts'
import { errorsPage } from './page.ts'

const root = join(import.meta.dirname, '..', '..')
const uses = findCodes(root)
const used = new Set(uses.map(({ code }) => code))
const page = join(root, 'docs', 'errors.md')

const missing = uses.filter(({ code }) => !Object.hasOwn(errorCatalogue, code))
const thrownFindings = uses.filter(({ code, thrownBy }) => thrownBy !== undefined && errorCatalogue[code]?.finding === true)
const violations = [
  ...missing.map(({ code, file, line }) => `${file}:${line}: ${code} is not in the catalogue (packages/api/src/catalogue)`),
  ...thrownFindings.map(({ code, file, line }) => `${file}:${line}: ${code} is thrown, and the catalogue calls it a finding`),
  ...Object.keys(errorCatalogue)
    .filter((code) => !used.has(code))
    .map((code) => `packages/api/src/catalogue: ${code} is used nowhere`),
  ...(existsSync(page) && readFileSync(page, 'utf8') === errorsPage()
    ? []
    : ['docs/errors.md is not current: node tools/errors/generate.ts']),
]

for (const violation of new Set(violations)) console.log(violation)
if (violations.length > 0) process.exitCode = 1
else console.log(`${used.size} error codes, all of them documented`)
