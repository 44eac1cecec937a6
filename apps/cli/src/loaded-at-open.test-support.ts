import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

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

interface Build {
  /** Flags of Node, and the module of the command. */
  readonly main: readonly [string, ...string[]]
  /** The driver that is asked. */
  readonly driver: string
}

const own = import.meta.dirname
const packages = join(own, '../../../packages')

/** As it runs in the workspace. */
export const fromSource: Build = {
  main: ['--conditions=@host-deployer/source', join(own, 'main.ts')],
  driver: join(packages, 'driver-qemu-initramfs/src/index.ts'),
}

/** As users get it. */
export const built: Build = { main: [join(own, '../dist/main.js')], driver: join(packages, 'driver-qemu-initramfs/dist/index.js') }

/** URLs of what is loaded when the driver is asked to open an image by this command. */
export async function loadedAtOpen({ main, driver: real }: Build, command: string, ...flags: readonly string[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'startup-'))
  try {
    const at = (name: string) => join(directory, name)
    await writeFile(at('hook.mjs'), hook)
    await writeFile(at('driver.mjs'), driver(pathToFileURL(real).href))
    await writeFile(at('disk.raw'), new Uint8Array(1 << 20))
    const run = promisify(execFile)(
      process.execPath,
      [
        ...['--import', at('hook.mjs'), ...main],
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
