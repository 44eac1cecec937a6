import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let space: string
let evidence: typeof import('./evidence.ts')
beforeEach(async () => {
  space = await mkdtemp(join(tmpdir(), 'hd-evidence-'))
  vi.stubEnv('HOST_DEPLOYER_E2E_KEPT', join(space, 'list'))
  // A test file of its own.
  vi.resetModules()
  evidence = await import('./evidence.ts')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(space, { recursive: true, force: true })
})

async function directoryWith(name: string, prefix: string): Promise<string> {
  const directory = await mkdtemp(join(space, prefix))
  await writeFile(join(directory, name), 'x')
  return directory
}

test('of a file whose tests passed nothing is kept', async () => {
  const directory = await directoryWith('disk.qcow2', 'tests-')
  evidence.keepOnFailure(directory)
  await evidence.settleEvidence(false)
  expect(await readdir(space)).toEqual([])
})

test('of one that failed the directories stay, with the reports and the traces, and are listed', async () => {
  const directory = await directoryWith('disk.qcow2', 'tests-')
  const traces = await directoryWith('console.log', 'failed-')
  evidence.keepOnFailure(directory)
  evidence.rememberRun({ args: ['deploy'], exitCode: 1, stdout: '{}', stderr: '' })
  evidence.rememberTraces(traces)
  await evidence.settleEvidence(true)
  const [kept = ''] = (await readdir(directory)).filter((name) => name.startsWith('failed-'))
  expect((await readdir(directory)).toSorted()).toEqual(['commands.json', 'disk.qcow2', kept])
  expect(await readdir(join(directory, kept))).toEqual(['console.log'])
  await expect(stat(traces)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(JSON.parse(await readFile(join(directory, 'commands.json'), 'utf8'))).toMatchObject([{ args: ['deploy'], exitCode: 1 }])
  const list = await readFile(join(space, 'list'), 'utf8')
  for (const expected of [directory, 'disk.qcow2', 'commands.json', join(kept, 'console.log')]) expect(list).toContain(expected)
})

test('a directory that is given up early waits in a test file, and goes at once elsewhere', async () => {
  const early = await directoryWith('a', 'tests-')
  await evidence.discard(early)
  expect(await readdir(space)).toEqual([])
  evidence.startCollecting()
  const late = await directoryWith('a', 'tests-')
  await evidence.discard(late)
  expect(await readdir(late)).toEqual(['a'])
})
