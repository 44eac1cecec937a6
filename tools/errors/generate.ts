// Writes docs/errors.md; with --check only says whether it is current.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorsPage } from './page.ts'

const directory = join(import.meta.dirname, '..', '..', 'docs')
const path = join(directory, 'errors.md')
const text = errorsPage()

if (!process.argv.includes('--check')) {
  mkdirSync(directory, { recursive: true })
  writeFileSync(path, text)
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
  console.log('docs/errors.md is not current: node tools/errors/generate.ts')
  process.exitCode = 1
}
