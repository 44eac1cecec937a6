// Needs qemu-img, qemu-nbd and nbdfuse; root mounts.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createImageLookup } from './image-lookup.ts'

const run = promisify(execFile)
const PATIENCE = { timeout: 60_000 }
const signal = new AbortController().signal
let directory: string
let server: ChildProcess
let mount: ChildProcess

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'image-lookup-'))
  const at = (name: string) => join(directory, name)
  await mkdir(at('shared'))
  await run('qemu-img', ['create', '-q', '-f', 'raw', at('disk'), '1M'])
  server = spawn('qemu-nbd', ['--persistent', '--format=raw', `--socket=${at('socket')}`, at('disk')], { stdio: 'ignore' })
  await vi.waitFor(() => stat(at('socket')), PATIENCE)
  mount = spawn('nbdfuse', [at('shared'), '--unix', at('socket')], { stdio: 'ignore' })
  await vi.waitFor(() => stat(at('shared/nbd')), PATIENCE)
})
afterEach(async () => {
  mount.kill('SIGCONT')
  const ended = Promise.all([once(mount, 'exit'), once(server, 'exit')])
  await run('umount', [join(directory, 'shared')])
  server.kill()
  await ended
  await rm(directory, { recursive: true })
})

/** From here on the storage does not answer. Each of its threads takes a moment to stop. */
async function hang(): Promise<void> {
  mount.kill('SIGSTOP')
  const tasks = `/proc/${mount.pid}/task`
  await vi.waitFor(async () => {
    const stats = await Promise.all((await readdir(tasks)).map((task) => readFile(join(tasks, task, 'stat'), 'utf8')))
    // After the name in parentheses (proc(5)).
    expect(stats.map((text) => text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3))).toEqual(stats.map(() => 'T'))
  }, PATIENCE)
}

test('storage that does not answer keeps nobody from images elsewhere', async () => {
  const lookUp = createImageLookup()
  const given = new AbortController()
  await hang()
  const answers: string[] = []
  const stuck = Array.from({ length: 8 }, async (_, index) => {
    const path = join(directory, 'shared', `image-${index}`)
    answers.push(await lookUp(path, index < 4 ? signal : given.signal))
  })
  await writeFile(join(directory, 'image'), '')
  const { dev, ino } = await stat(join(directory, 'image'))
  expect(await lookUp(join(directory, 'image'), signal)).toBe(`file:${dev}:${ino}`)
  expect(answers).toEqual([])

  given.abort()
  mount.kill('SIGCONT')
  await Promise.all(stuck)
  expect(answers).toEqual(Array.from({ length: 8 }, (_, index) => `path:${join(directory, 'shared', `image-${index}`)}`))
})

test('four directories that do not answer leave threads for everything else, and nobody waits for them', async () => {
  const lookUp = createImageLookup()
  const local = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const path = join(directory, `local-${index}`, 'image')
      await mkdir(join(path, '..'))
      await writeFile(path, '')
      const { dev, ino } = await stat(path)
      return { path, image: `file:${dev}:${ino}` }
    }),
  )
  const images = () => Promise.all(local.map(({ path }) => lookUp(path, signal)))
  expect(await images()).toEqual(local.map(({ image }) => image))

  await hang()
  const stuck = Array.from({ length: 4 }, (_, index) => join(directory, 'shared', `directory-${index}`, 'image'))
  const answers = stuck.map((path) => lookUp(path, signal))
  expect(await images()).toEqual(local.map(({ path }) => `path:${path}`))
  expect(await Promise.all(answers.slice(2))).toEqual(stuck.slice(2).map((path) => `path:${path}`))
  expect((await stat(directory)).isDirectory()).toBe(true)

  mount.kill('SIGCONT')
  await Promise.all(answers)
  expect(await images()).toEqual(local.map(({ image }) => image))
})

test('names of one file are one image', async () => {
  const lookUp = createImageLookup()
  const path = join(directory, 'shared', 'nbd')
  const [one, two] = await Promise.all([lookUp(path, signal), lookUp(join(directory, 'shared', '..', 'shared', 'nbd'), signal)])
  expect(one).toMatch(/^file:/)
  expect(two).toBe(one)
})
