import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { errorReport } from '@host-deployer/api'
import { expect, test } from 'vitest'

interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const run = (...args: readonly string[]) =>
  new Promise<Ended>((resolve) => {
    const node = ['--conditions=@host-deployer/source', join(import.meta.dirname, 'main.ts')]
    const child = execFile(process.execPath, [...node, ...args], (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode, stdout, stderr }),
    )
  })

test('a wrong command line is an error document with --json', async () => {
  const wrong = [['deploy'], ['deploy', 'x', '--bogus'], ['probe', 'x', '--format', 'vmdk'], []]
  for (const { exitCode, stdout } of await Promise.all(wrong.map((args) => run(...args, '--json')))) {
    const { error } = errorReport.parse(JSON.parse(stdout))
    expect(error).toMatchObject({ code: 'USAGE_INVALID', message: expect.stringMatching(/./), hint: expect.stringContaining('--help') })
    expect(exitCode).toBe(2)
  }
})

test('without it standard output is empty', async () => {
  expect(await run('deploy')).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringMatching(/./) })
})

test('help is no error', async () => {
  expect(await run('deploy', '--json', '--help')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('--json') })
})
