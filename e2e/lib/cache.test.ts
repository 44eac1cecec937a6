import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cached, digest } from './cache.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'hd-cache-'))
  vi.stubEnv('XDG_CACHE_HOME', home)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(home, { recursive: true, force: true })
})

const key = digest('key')
let made = 0
const make = async (directory: string) => {
  made += 1
  await writeFile(join(directory, 'file'), 'x'.repeat(100_000))
}
const get = () => cached('things', key, ['file'], make)

test('made once, made again when it is cut short or overwritten, whole when the maker fails', async () => {
  made = 0
  const directory = await get()
  expect(await get()).toBe(directory)
  expect(made).toBe(1)

  await truncate(join(directory, 'file'), 50_000)
  await get()
  expect(made).toBe(2)

  await writeFile(join(directory, 'file'), 'y'.repeat(100_000))
  await get()
  expect(made).toBe(3)
  expect((await readFile(join(directory, 'file'), 'utf8')).startsWith('x')).toBe(true)

  await expect(cached('things', digest('other'), ['file'], () => Promise.reject(new Error('no')))).rejects.toThrow()
  expect(await cached('things', digest('other'), ['file'], make)).not.toBe(directory)
})

test('asked for at once, it is made once', async () => {
  made = 0
  const directories = await Promise.all([get(), get(), get()])
  expect(new Set(directories).size).toBe(1)
  expect(made).toBe(1)
})
