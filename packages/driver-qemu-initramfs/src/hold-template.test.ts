import { type FileHandle, mkdir, mkdtemp, open, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { currentBootId, identifyProcess } from '@host-deployer/driver-kit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BuildTemplateInput } from './build-template.ts'
import { holdTemplate } from './hold-template.ts'
import { contextOf } from './session.test-support.ts'
import type { TemplatePlace } from './template-store.ts'

let base = ''
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'hold-'))
})
afterEach(() => rm(base, { recursive: true }))

/** None of it is there: whatever is started with it fails in another way. */
function inputOf(options: Readonly<Record<string, unknown>> = {}): BuildTemplateInput {
  const nowhere = hostPath(join(base, 'nowhere'))
  const file = { sha256: '', sizeBytes: 1 }
  const manifest = {
    ...({ apiVersion: 1, architecture: 'amd64', id: '', kernelVersion: '', kernelCommandLine: '', minimumMemoryMiB: 256 } as const),
    ...{ kernel: file, initramfs: file, packages: [] },
  }
  return {
    context: contextOf({ workDirectory: nowhere, leaseDirectory: nowhere, options }),
    appliance: { directory: nowhere, kernel: nowhere, initramfs: nowhere, manifest },
    programs: { qemu: nowhere, setpriv: nowhere, hasQboot: false },
    accelerator: 'tcg',
    user: undefined,
  }
}

function placeIn(parent: string): TemplatePlace {
  const key = '1'.repeat(32)
  return { parent, key, directory: join(parent, key), isHeld: true }
}

/** Of files of the test. */
async function descriptors(): Promise<number> {
  const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return links.filter((link) => link.startsWith(base)).length
}

test('more memory than this machine has is not held, and nothing is started or left for it', async () => {
  const parent = join(base, 'templates')
  const input = inputOf()
  // A file of so much memory can be made, as long as nobody writes to it; what comes next has another code here.
  const huge = { ...input, context: { ...input.context, options: { ...input.context.options, memoryMb: 2 ** 31 } } }
  await expect(holdTemplate(huge, placeIn(parent), process.pid)).rejects.toMatchObject({
    code: 'DRIVER_TEMPLATE_FAILED',
    hint: expect.any(String),
  })
  expect(await readdir(parent)).toEqual([])
})

test('a process that is not there is refused before anything is made', async () => {
  const parent = join(base, 'templates')
  await expect(holdTemplate(inputOf(), placeIn(parent), 2 ** 30)).rejects.toMatchObject({
    code: 'DRIVER_TEMPLATE_FAILED',
    hint: expect.any(String),
  })
  expect(await readdir(base)).toEqual([])
})

/** A template that is held, by this very process, and for it. */
async function plantHeld(place: TemplatePlace, memory: FileHandle): Promise<void> {
  await mkdir(place.directory, { recursive: true, mode: 0o700 })
  const path = join(place.directory, 'state')
  await writeFile(path, 'state')
  const { size, ino, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
  const state = { sizeBytes: Number(size), inode: String(ino), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) }
  const self = await identifyProcess(process.pid)
  const held = { holder: self, keepers: [self], descriptor: memory.fd, inode: String((await memory.stat({ bigint: true })).ino) }
  const record = { bootId: await currentBootId(), privateKeyPem: '', hostKey: '', state, memory: held }
  await writeFile(join(place.directory, 'template.json'), JSON.stringify(record))
}

test('where it cannot be said for whom the memory is held, too, nothing stays open', async () => {
  // Even root cannot write a file with a longer name than this leaves: PATH_MAX (4096) with its NUL, minus what the names in a template take.
  let parent = base
  while (parent.length < 4000 - 201) parent = join(parent, 'x'.repeat(200))
  parent = join(parent, 'x'.repeat(4040 - parent.length - 1))
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const place = placeIn(parent)
  expect(join(place.directory, 'template.json').length).toBeLessThan(4096)
  const memory = await open(join(base, 'memory'), 'w+')
  await plantHeld(place, memory)
  const before = await descriptors()
  await expect(holdTemplate(inputOf(), place, process.ppid)).rejects.toMatchObject({ code: 'ENAMETOOLONG' })
  expect(await descriptors()).toBe(before)
  expect((await readdir(parent)).sort()).toEqual([place.key])
  await memory.close()
})
