import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTarball } from './check-tarball.ts'
import { mustRun } from './run-program.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tarball-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const good = { name: 'x', version: '1.0.0', publishConfig: { access: 'public', provenance: true }, dependencies: { y: '^1.0.0' } }
const expected = { name: 'x', version: '1.0.0', hasChangelog: true }
const files = ['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js']

/** How many things are wrong with a package of these files. */
async function problems(name: string, manifest: unknown, names: readonly string[]): Promise<number> {
  const place = join(directory, name)
  for (const file of [...names, 'package.json']) {
    const path = join(place, 'package', file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, file === 'package.json' ? JSON.stringify(manifest) : '')
  }
  await mustRun(['tar', '--create', '--gzip', '--file', 'x.tgz', 'package'], place)
  return (await checkTarball(join(place, 'x.tgz'), expected)).length
}

test('nothing is wrong with what is right', async () => {
  expect(await problems('good', good, files)).toBe(0)
})

test('each thing that is wrong is found', async () => {
  expect(await problems('version', { ...good, version: '1.0.1' }, files)).toBe(1)
  expect(await problems('workspace', { ...good, dependencies: { y: 'workspace:*' } }, files)).toBe(1)
  expect(await problems('catalog', { ...good, dependencies: { y: 'catalog:' } }, files)).toBe(1)
  expect(await problems('provenance', { ...good, publishConfig: { access: 'public' } }, files)).toBe(1)
  expect(await problems('changelog', good, files.slice(0, 2))).toBe(1)
  expect(await problems('sources', good, [...files, 'src/index.ts', 'dist/x.test.js'])).toBeGreaterThan(1)
})
