import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { currentBootId, identifyProcess, isRunning, type ProcessIdentity } from '@host-deployer/driver-kit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MemoryPlace } from './held-memory.ts'
import { lockPathOf, lockTemplate } from './template-lock.ts'
import { changeKeepers, type TemplatePlace } from './template-store.ts'
import { sweepTemplates, templateBytes } from './template-sweep.ts'

test.each([
  [128, 136],
  [256, 208],
  [1024, 232],
  [65_536, 2248],
])('a template of a VM with %i MB takes at most %i MiB', (memoryMb, mib) => {
  expect(templateBytes(memoryMb)).toBe(mib * 2 ** 20)
})

let parent = ''
const processes: ChildProcess[] = []
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'sweep-'))
})
afterEach(async () => {
  for (const child of processes.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await rm(parent, { recursive: true })
})

const named = (letter: string): TemplatePlace => {
  const key = letter.repeat(32)
  return { parent, key, directory: join(parent, key), isHeld: true }
}

async function startProcess(): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  processes.push(child)
  await once(child, 'spawn')
  const identity = await identifyProcess(child.pid ?? 0)
  if (identity === undefined) throw new Error('It has ended')
  return identity
}

/** A template whose memory is held for these, and its holder. */
async function plantHeld(letter: string, ...keepers: readonly ProcessIdentity[]): Promise<ProcessIdentity> {
  const { directory } = named(letter)
  const holder = await startProcess()
  await mkdir(directory)
  const state = { sizeBytes: 1, inode: '1', mtimeNs: '1', ctimeNs: '1' }
  const record = {
    bootId: await currentBootId(),
    privateKeyPem: '',
    hostKey: '',
    state,
    memory: { holder, keepers, descriptor: 3, inode: '1' },
  }
  await writeFile(join(directory, 'template.json'), JSON.stringify(record))
  return holder
}

async function keepersOf(letter: string): Promise<readonly ProcessIdentity[]> {
  const text = await readFile(join(named(letter).directory, 'template.json'), 'utf8')
  return (JSON.parse(text) as { readonly memory: MemoryPlace }).memory.keepers
}

test('what another process is just joining or making stays as it is, whatever the sweep would do with it', async () => {
  const [me, other] = await Promise.all([startProcess(), startProcess()])
  const held = [await plantHeld('1', me), await plantHeld('2', me, other)]
  // Held by nobody any more: somebody makes it anew.
  await plantHeld('3', other)
  const holder = processes.at(-1)
  holder?.kill('SIGKILL')
  if (holder !== undefined) await once(holder, 'exit')
  const unlock = await Promise.all(['1', '2', '3'].map((letter) => lockTemplate(lockPathOf(named(letter)), undefined)))
  await sweepTemplates(named('9'), { keeper: me })
  for (const letter of ['1', '2', '3']) expect(await readdir(named(letter).directory)).toEqual(['template.json'])
  expect(await keepersOf('1')).toEqual([me])
  expect(await keepersOf('2')).toEqual([me, other])
  for (const holder of held) expect(await isRunning(holder)).toBe(true)
  for (const each of unlock) await each()
  await sweepTemplates(named('9'), { keeper: me })
  expect(await readdir(parent)).toEqual([named('2').key])
  expect(await keepersOf('2')).toEqual([other])
})

/** A template with its memory in a file, last used so long ago. */
async function plantFile(letter: string, ageMinutes: number): Promise<void> {
  const { directory } = named(letter)
  await mkdir(directory)
  await writeFile(join(directory, 'template.json'), JSON.stringify({ bootId: await currentBootId() }))
  const used = new Date(Date.now() - ageMinutes * 60_000)
  await utimes(directory, used, used)
}

test.each([
  { isHeld: true, others: 4 },
  { isHeld: false, others: 3 },
])(
  'four files stay, the one that is being made among them (held: $isHeld); what others hold is no file, however long unused',
  async ({ isHeld, others }) => {
    for (const letter of ['1', '2']) {
      await plantHeld(letter, await startProcess())
      await utimes(named(letter).directory, 0, 0)
    }
    for (const [age, letter] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) await plantFile(letter, age)
    await sweepTemplates({ ...named('9'), isHeld })
    const files = ['a', 'b', 'c', 'd'].slice(0, others)
    expect((await readdir(parent)).sort()).toEqual(['1', '2', ...files].map((letter) => named(letter).key))
  },
)

test('a lock whose holder has died keeps nothing', async () => {
  const [me, gone] = await Promise.all([startProcess(), startProcess()])
  await plantHeld('1', me)
  await writeFile(lockPathOf(named('1')), JSON.stringify({ ...gone, startTicks: gone.startTicks + 1 }))
  await sweepTemplates(named('9'), { keeper: me })
  expect(await readdir(parent)).toEqual([])
})

test('keepers that come while others sweep are all named in the end', async () => {
  const me = await startProcess()
  const joining = await Promise.all(Array.from({ length: 6 }, startProcess))
  await plantHeld('1', me)
  const join = async (keeper: ProcessIdentity): Promise<void> => {
    const unlock = await lockTemplate(lockPathOf(named('1')), undefined)
    await changeKeepers(named('1'), [...(await keepersOf('1')), keeper])
    await unlock()
  }
  const first = joining[0]
  if (first !== undefined) await join(first)
  const sweep = async (): Promise<void> => {
    for (let round = 0; round < 20; round += 1) await sweepTemplates(named('9'), { keeper: me })
  }
  await Promise.all([sweep(), ...joining.slice(1).map(join), sweep()])
  await sweepTemplates(named('9'), { keeper: me })
  expect(new Set(await keepersOf('1'))).toEqual(new Set(joining))
  expect(await readdir(named('1').directory)).toEqual(['template.json'])
})

test('how long starts took is forgotten a day after the last one, where there is no template', async () => {
  const bootId = await currentBootId()
  const ages = { '1': 23, '2': 25, '3': 25 }
  await plantHeld('3', await startProcess())
  for (const [letter, hours] of Object.entries(ages)) {
    for (const kind of ['boot', 'clone']) {
      const path = `${named(letter).directory}.${kind}`
      await writeFile(path, JSON.stringify({ durationMs: 1, bootId }))
      const written = new Date(Date.now() - hours * 3_600_000)
      await utimes(path, written, written)
    }
  }
  await sweepTemplates(named('9'))
  const left = ['1', '3'].flatMap((letter) => ['boot', 'clone'].map((kind) => `${named(letter).key}.${kind}`))
  expect((await readdir(parent)).sort()).toEqual([...left, named('3').key].sort())
})
