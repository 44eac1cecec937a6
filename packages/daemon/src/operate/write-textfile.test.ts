import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeTextfile } from './write-textfile.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hd-textfile-'))
})
afterEach(() => rm(directory, { recursive: true }))

const at = (name: string) => hostPath(join(directory, name))

test('the file is replaced as a whole, and readable by the exporter', async () => {
  await writeTextfile(at('a.prom'), { text: async () => 'one\n' })
  const before = await stat(at('a.prom'))
  await writeTextfile(at('a.prom'), { text: async () => 'two\n' })
  const after = await stat(at('a.prom'))
  expect(await readFile(at('a.prom'), 'utf8')).toBe('two\n')
  expect(after.ino).not.toBe(before.ino)
  expect(after.mode & 0o777).toBe(0o644)
  expect(await readdir(directory)).toEqual(['a.prom'])
})

test('what could not be written leaves nothing', async () => {
  await mkdir(at('taken.prom'))
  await expect(writeTextfile(at('taken.prom'), { text: async () => 'x' })).rejects.toThrow()
  await expect(writeTextfile(at('b.prom'), { text: () => Promise.reject(new TypeError('x')) })).rejects.toThrow(TypeError)
  expect(await readdir(directory)).toEqual(['taken.prom'])
})
