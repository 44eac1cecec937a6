import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const canary = 'Kan4rienv0gel'
let directory = ''
const at = (name: string) => join(directory, name)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'explain-'))
  await writeFile(at('host.conf'), `admin_password: ${canary}\ndeploy_concurrent: 8\nlocal_image_path: [/data/disks]\n`)
  await writeFile(at('wrong.conf'), `admin_password: ${canary}\ndeploy_concurrent: ${canary}\n`)
  await writeFile(at('config.yaml'), 'queueLimit: 20\n')
  await writeFile(at('misspelt.yaml'), 'queueLimits: 20\n')
})
afterAll(() => rm(directory, { recursive: true }))

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function hostDeployer(...words: readonly string[]): Promise<Outcome> {
  const run = promisify(execFile)(
    process.execPath,
    ['--conditions=@host-deployer/source', join(import.meta.dirname, '../main.ts'), ...words],
    { cwd: directory, env: { PATH: process.env['PATH'], NO_COLOR: '1', HOST_DEPLOYER_JOB_TIMEOUT_MS: '5000' }, timeout: 100_000 },
  )
  const { code, stdout, stderr } = (await run.then(
    (output) => ({ ...output, code: 0 }),
    (error: unknown) => error,
  )) as Outcome
  expect(stdout + stderr).not.toContain(canary)
  return { code, stdout, stderr }
}

test('every value with its source, as a document', async () => {
  const { code, stdout } = await hostDeployer(
    'config',
    'explain',
    '--config',
    'host.conf',
    '--settings=config.yaml',
    '--concurrency',
    '2',
    '--json',
  )
  expect(code).toBe(0)
  const document = JSON.parse(stdout)
  const value = (key: string) => document.values.find((row: { key: string }) => row.key === key)
  expect(value('concurrency')).toMatchObject({
    value: 2,
    source: { kind: 'flag', name: '--concurrency' },
    overrode: [{ value: 8, source: { kind: 'file', file: at('host.conf'), line: 2 } }],
  })
  expect(value('queueLimit')).toMatchObject({ value: 20, source: { file: at('config.yaml'), line: 1 } })
  expect(value('jobTimeoutMs')).toMatchObject({ value: 5000, source: { kind: 'environment', name: 'HOST_DEPLOYER_JOB_TIMEOUT_MS' } })
  expect(value('imageRoots[1]')).toMatchObject({ value: '/data/disks' })
  expect(document.ignored).toEqual(['admin_password'])
  expect(document.files[0]).toEqual({ path: at('host.conf'), exists: true })
})

test('a table for people', async () => {
  const { code, stdout } = await hostDeployer('config', 'explain', '--config', 'host.conf')
  expect(code).toBe(0)
  expect(stdout).toMatch(new RegExp(`concurrency +8 +${at('host.conf')}:2`))
  expect(stdout).toContain('CONFIG_KEYS_IGNORED')
})

test.each([
  [['--settings', 'misspelt.yaml'], 'CONFIG_KEY_UNKNOWN'],
  [['--config', 'wrong.conf'], 'CONFIG_INVALID'],
  [['--concurency', '5'], 'CONFIG_FLAG_UNKNOWN'],
])('config explain %j fails with %s', async (words, expected) => {
  const { code, stdout } = await hostDeployer('config', 'explain', ...words, '--json')
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: expected } })
})

test('the command line of the platform is read by serve, whose options it need not know', async () => {
  const words = ['--common-config-file', 'common.conf', '--config', 'wrong.conf', '--enable-remote-executor', '--admin-password', canary]
  const { code, stderr } = await hostDeployer(...words)
  expect(code).toBe(2)
  expect(stderr).toContain('CONFIG_INVALID')
})
