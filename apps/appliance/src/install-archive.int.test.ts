// Installs from archives as people pack them. Needs: tar, gzip, zstd, xz-utils.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runHostTool } from './host-tool.ts'
import { installAppliance } from './install-appliance.ts'

let directory: string
const described = (text: string): object => ({ sha256: createHash('sha256').update(text).digest('hex'), sizeBytes: text.length })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'install-archive-'))
  const source = join(directory, 'appliance')
  await mkdir(source)
  await writeFile(join(source, 'kernel'), 'kernel')
  await writeFile(join(source, 'initramfs'), 'initramfs')
  await writeFile(join(source, 'README'), 'not wanted')
  const manifest = {
    apiVersion: 1,
    architecture: 'amd64',
    id: '0'.repeat(64),
    kernelVersion: '6.12.1',
    kernelCommandLine: '',
    minimumMemoryMiB: 256,
    kernel: described('kernel'),
    initramfs: described('initramfs'),
    packages: [],
  }
  await writeFile(join(source, 'manifest.json'), JSON.stringify(manifest))
})
afterEach(() => rm(directory, { recursive: true }))

const install = (archive: string): Promise<unknown> => installAppliance(join(directory, archive), join(directory, 'installed'))

test.each([
  ['a.tar', ['--directory', '.', 'appliance']],
  ['a.tar.gz', ['--gzip', '--directory', '.', 'appliance']],
  ['a.tar.zst', ['--zstd', '--directory', 'appliance', '.']],
  ['a.tar.xz', ['--xz', '--directory', 'appliance', 'kernel', 'initramfs', 'manifest.json']],
])('%s %j', async (archive, args) => {
  await runHostTool(['tar', '--create', '--file', archive, ...args], { cwd: directory })
  await install(archive)
  expect(await readFile(join(directory, 'installed', 'kernel'), 'utf8')).toBe('kernel')
  await expect(readFile(join(directory, 'installed', 'README'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('an archive cut short, one with something else, one with a file missing', async () => {
  await runHostTool(['tar', '--create', '--gzip', '--file', 'whole.tar.gz', 'appliance'], { cwd: directory })
  await writeFile(join(directory, 'cut.tar.gz'), (await readFile(join(directory, 'whole.tar.gz'))).subarray(0, 100))
  await runHostTool(['tar', '--create', '--file', 'other.tar', 'appliance/README'], { cwd: directory })
  await runHostTool(['tar', '--create', '--file', 'part.tar', 'appliance/kernel', 'appliance/manifest.json'], { cwd: directory })
  for (const archive of ['cut.tar.gz', 'other.tar', 'part.tar'])
    await expect(install(archive)).rejects.toMatchObject({ code: 'APPLIANCE_DAMAGED' })
})
