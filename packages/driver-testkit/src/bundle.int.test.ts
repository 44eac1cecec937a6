import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalToolHost } from '@host-deployer/driver-kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleProgram, conformanceEntry } from '../../../tools/conformance/bundle.ts'
import type { ConformanceReport } from './report.ts'

const reference = new URL('./testing/reference-driver.ts', import.meta.url).pathname

// A driver in plain JavaScript, made by hand: it needs no package of ours and does nothing right.
const emptyDriver = `export const driver = {
  apiVersion: 1,
  name: 'empty',
  options: { '~standard': { version: 1, vendor: 'me', validate: (value) => ({ value }) } },
  probe: async () => ({ usable: false, findings: [] }),
  open: async () => { throw new Error('not written yet') },
}`

/** Manifests of packages of it, by their place. */
const packages: Readonly<Record<string, object>> = {
  '.': { exports: './empty.mjs' },
  'with-import-alone': { exports: { '.': { types: './index.d.ts', import: './index.mjs' } } },
  'node_modules/@me/driver-with-import-alone': { exports: { import: './index.mjs' } },
  'old-fields': { main: './index.mjs' },
  'not-built': { exports: './dist/index.mjs' },
}

/** One file in a directory of its own, where no package of ours can be found. */
describe('the suite as one file under plain Node', () => {
  let directory: string
  // In that directory: a path is relative to it, and packages are looked for from there.
  const run = (...args: readonly string[]) =>
    createLocalToolHost().exec(
      ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', directory, process.execPath, 'driver-conformance.mjs', ...args],
      { timeoutMs: 110_000 },
    )

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'driver-testkit-bundle-'))
    await bundleProgram(conformanceEntry, join(directory, 'driver-conformance.mjs'))
    await bundleProgram(reference, join(directory, 'reference.mjs'))
    await writeFile(join(directory, 'empty.mjs'), emptyDriver)
    for (const [path, manifest] of Object.entries(packages)) {
      await mkdir(join(directory, path), { recursive: true })
      await writeFile(join(directory, path, 'package.json'), JSON.stringify({ name: 'mine', ...manifest }))
      await writeFile(join(directory, path, 'index.mjs'), emptyDriver)
    }
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('imports nothing but Node, and no test framework', async () => {
    expect(await readFile(join(directory, 'driver-conformance.mjs'), 'utf8')).not.toMatch(/from ["'](?:@|\.|vitest|execa)/)
  })

  it('a driver that conforms: 0, and its owner can be killed', async () => {
    const { exitCode, stdout } = await run(join(directory, 'reference.mjs'), '--json', '--group', 'lifecycle', '--group', 'kill')
    const report = JSON.parse(Buffer.from(stdout).toString()) as ConformanceReport
    expect(report.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(report.checks.filter(({ group, outcome }) => group === 'kill' && outcome === 'passed')).toHaveLength(5)
    expect(exitCode).toBe(0)
  })

  it('one that does not: 1, and a report that says what', async () => {
    const { exitCode, stdout } = await run(join(directory, 'empty.mjs'), '--json', '--group', 'lifecycle')
    const report = JSON.parse(Buffer.from(stdout).toString()) as ConformanceReport
    expect(exitCode).toBe(1)
    expect(report.capabilities).toBeNull()
    const failed = report.checks.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)
    expect(failed).toEqual(expect.arrayContaining(['lifecycle.options', 'lifecycle.probe', 'lifecycle.refusals']))
  })

  it.each(['.', './with-import-alone', '@me/driver-with-import-alone', './old-fields'])('a package by %s', async (name) => {
    const { exitCode, stdout } = await run(name, '--json', '--group', 'exec')
    const report = JSON.parse(Buffer.from(stdout).toString()) as ConformanceReport
    expect([exitCode, report.driver.name]).toEqual([1, 'empty'])
  })

  it.each([
    [[]],
    [['./none.mjs']],
    [['no-such-package']],
    [['@me/no-such-package']],
    [['./not-built']],
    [['DRIVER', '--group', 'none']],
    [['DRIVER', '--options', '{']],
    [['DRIVER', '--what']],
  ])('a wrong command line %j: 2, and nothing on standard output', async (args) => {
    const { exitCode, stdout } = await run(...args.map((arg) => (arg === 'DRIVER' ? join(directory, 'reference.mjs') : arg)))
    expect([exitCode, stdout.length]).toEqual([2, 0])
  })
})
