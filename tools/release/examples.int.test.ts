// The examples are what somebody else would write: here they get the packages as published, outside of the workspace, and pass the conformance suite.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPackages, packPackages, type Tarballs } from './pack-packages.ts'
import { publishedPackages, root } from './published-packages.ts'
import { mustRun, runProgram } from './run-program.ts'
import { installScratchProject } from './scratch-project.ts'

let directory = ''
let tarballs: Tarballs
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'examples-'))
  await buildPackages()
  tarballs = await packPackages(publishedPackages(), join(directory, 'tarballs'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What `host-deployer drivers` says about the driver in a directory. */
async function shown(path: string): Promise<unknown> {
  const main = join(root, 'apps', 'cli', 'src', 'main.ts')
  const argv = [process.execPath, '--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning', main] as const
  const { stdout } = await runProgram([...argv, 'drivers', '--json', path], root)
  return JSON.parse(stdout).drivers[0]
}

describe.each([
  { name: 'driver-qsd-fuse', prepare: [['pnpm', 'run', 'build']] as const, run: ['pnpm', 'exec', 'vitest', 'run'] as const },
  { name: 'driver-plain-js', prepare: [], run: ['pnpm', 'test'] as const },
])('$name', ({ name, prepare, run }) => {
  let project = ''
  beforeAll(async () => {
    project = join(directory, name)
    cpSync(join(root, 'examples', name), project, { recursive: true })
    await installScratchProject(project, tarballs, { manifest: true })
    for (const argv of prepare) await mustRun(argv, project)
  })

  test('passes the conformance suite', { timeout: 600_000 }, async () => {
    const { exitCode, all } = await runProgram(run, project)
    expect(exitCode, all.slice(-8000)).toBe(0)
  })

  test('is loaded by its directory, and works here', async () => {
    expect(await shown(project)).toMatchObject({
      name: name.replace('driver-', ''),
      package: { name: `@example/${name}`, version: '0.1.0' },
      apiVersion: 1,
      capabilities: { isolated: false, xattrs: true },
      usable: true,
    })
  })
})
