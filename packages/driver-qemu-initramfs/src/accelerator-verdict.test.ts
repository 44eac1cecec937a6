import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readVerdict, writeVerdict } from './accelerator-verdict.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verdict-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('a verdict is remembered', async () => {
  const path = join(directory, 'new', 'verdict.json')
  expect(await readVerdict(path)).toBeUndefined()
  await writeVerdict(path, { kvm: 'broken', reason: 'it hangs' })
  expect(await readVerdict(path)).toEqual({ kvm: 'broken', reason: 'it hangs' })
})

test('an unreadable verdict is none, an unwritable place no failure', async () => {
  const path = join(directory, 'verdict.json')
  for (const content of ['', '{', '{"kvm":"perhaps"}']) {
    await writeFile(path, content)
    expect(await readVerdict(path)).toBeUndefined()
  }
  await writeVerdict(join(path, 'below-a-file', 'x.json'), { kvm: 'works' })
})
