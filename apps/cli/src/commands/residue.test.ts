import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let root = ''
const schema = `{ '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }`
const driver = `export const driver = { apiVersion: 1, name: 'works', options: ${schema},
  async probe() { return { usable: true, findings: [], capabilities: {} } }, async open() {} }`

/** What a process that is gone wrote down: a directory, which is there. */
async function leave(state: string, quarantined?: string): Promise<string> {
  const path = join(root, `left-${state}`)
  await mkdir(path)
  await mkdir(join(root, state), { recursive: true })
  const owner = { pid: process.pid, startTicks: 1, bootId: 'another' }
  const record = { owner, lease: { kind: 'directory', details: { path } }, ...(quarantined === undefined ? {} : { quarantined }) }
  await writeFile(join(root, state, 'lease.json'), JSON.stringify(record))
  return path
}

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'residue-')))
  await writeFile(join(root, 'works.mjs'), driver)
})
afterEach(() => rm(root, { recursive: true }))

interface Answer {
  readonly exitCode: number
  readonly document: Record<string, readonly { readonly code: string; readonly path: string }[]> & {
    readonly error?: { readonly code: string }
  }
}

function run(...args: string[]): Promise<Answer> {
  const main = join(import.meta.dirname, '..', 'main.ts')
  const argv = ['--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning', main, ...args, '--json']
  const env = {
    ...process.env,
    TMPDIR: root,
    XDG_CACHE_HOME: root,
    XDG_STATE_HOME: root,
    HOST_DEPLOYER_STATE_DIRECTORY: join(root, 'daemon'),
  }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, argv, { env, cwd: root }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr))
      else resolve({ exitCode: Number(error?.code ?? 0), document: JSON.parse(stdout) })
    })
  })
}
const doctor = (...args: string[]) => run('doctor', '--driver', './works.mjs', ...args)
const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

test("doctor shows what is in this user's journal and in the daemon's, and what cannot be read", async () => {
  await leave('host-deployer')
  await leave('daemon', 'busy')
  await writeFile(join(root, 'daemon', 'damaged.json'), '{')
  const { exitCode, document } = await doctor()
  expect(exitCode).toBe(0)
  expect(document['residue']?.map(({ code, path }) => [code, path]).sort()).toEqual([
    ['LEASE_ORPHANED', join(root, 'host-deployer', 'lease.json')],
    ['LEASE_QUARANTINED', join(root, 'daemon', 'lease.json')],
    ['LEASE_UNREADABLE', join(root, 'daemon', 'damaged.json')],
  ])
})

test("reclaim leaves the daemon's alone until it is named", async () => {
  const own = await leave('host-deployer')
  const daemons = await leave('daemon', 'busy')
  expect((await run('reclaim')).document['freed']).toHaveLength(1)
  expect([await isThere(own), await isThere(daemons)]).toEqual([false, true])
  expect((await run('reclaim', '--state-directory', 'daemon')).document['freed']).toHaveLength(1)
  expect(await isThere(daemons)).toBe(false)
  expect((await doctor()).document['residue']).toEqual([])
})

test('a directory that is named and is none is an error, not an empty answer', async () => {
  for (const answer of [await run('reclaim', '--state-directory', 'none'), await doctor('--state-directory', 'works.mjs')]) {
    expect(answer).toMatchObject({ exitCode: 2, document: { error: { code: 'CONFIG_STATE_DIRECTORY' } } })
  }
})
