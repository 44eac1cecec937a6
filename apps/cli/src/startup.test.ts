import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// Says what is loaded when the driver is asked to open.
const hook = `
  import { registerHooks } from 'node:module'
  globalThis.loaded = new Set()
  registerHooks({ load: (url, context, next) => (globalThis.loaded.add(url), next(url, context)) })
`
const driver = (real: string) => `
  import { driver as real } from ${JSON.stringify(real)}
  export const driver = {
    ...real,
    name: 'loads-nothing',
    async open() {
      console.error(JSON.stringify([...globalThis.loaded]))
      throw new Error('seen enough')
    },
  }
`

/** What is loaded when the driver is asked to open an image by this command. */
async function loadedAtOpen(command: string, ...flags: readonly string[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'startup-'))
  try {
    const at = (name: string) => join(directory, name)
    await writeFile(at('hook.mjs'), hook)
    await writeFile(
      at('driver.mjs'),
      driver(pathToFileURL(join(import.meta.dirname, '../../../packages/driver-qemu-initramfs/src/index.ts')).href),
    )
    await writeFile(at('disk.raw'), new Uint8Array(1 << 20))
    const run = promisify(execFile)(
      process.execPath,
      [
        ...['--conditions=@host-deployer/source', '--import', at('hook.mjs'), join(import.meta.dirname, 'main.ts')],
        ...[command, at('disk.raw'), '--format', 'raw', '--driver', at('driver.mjs'), ...flags, '--json'],
      ],
      { env: { ...process.env, TMPDIR: directory, XDG_CACHE_HOME: directory, XDG_STATE_HOME: directory } },
    )
    const { stderr } = (await run.catch((error: unknown) => error)) as { stderr: string }
    const line = stderr.split('\n').find((text) => text.startsWith('['))
    return JSON.parse(line ?? '[]') as string[]
  } finally {
    await rm(directory, { recursive: true })
  }
}

const forTheGuest = ['/packages/block/', '/packages/guest-fs/', '/packages/os-detect/', '/packages/formats/', '/ssh2/', '/execa/']
const found = (loaded: readonly string[], parts: readonly string[]) => parts.filter((part) => loaded.some((url) => url.includes(part)))

test('a deploy asks the driver to open before it loads what only the mounted guest needs', async () => {
  const loaded = await loadedAtOpen('deploy', '--hostname', 'web')
  expect(found(loaded, ['/packages/api/', ...forTheGuest])).toEqual(['/packages/api/'])
})

test('a probe does so before it loads what parses requests, too', async () => {
  const loaded = await loadedAtOpen('probe')
  expect(found(loaded, ['/packages/core/', '/packages/api/', '/yaml/', ...forTheGuest])).toEqual(['/packages/core/'])
})
