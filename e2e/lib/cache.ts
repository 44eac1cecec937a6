import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** `host-deployer` below the XDG cache directory. */
export function cacheDirectory(): string {
  const base = process.env['XDG_CACHE_HOME']
  return join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'host-deployer')
}

export function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex')
}

/**
 * A directory of the cache made once for `key`: `make` fills it, a checksum list of `names` completes it. One whose files do not match is made again.
 * Several processes may ask at once: one makes it, the others wait.
 */
export async function cached(
  kind: string,
  key: string,
  names: readonly string[],
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const parent = join(cacheDirectory(), kind)
  const final = join(parent, key.slice(0, 24))
  await mkdir(parent, { recursive: true })
  const unlock = await lock(`${final}.lock`)
  try {
    if (await isWhole(final, names)) return final
    await rm(final, { recursive: true, force: true })
    const aside = await mkdtemp(join(parent, '.making-'))
    try {
      await make(aside)
      await writeFile(join(aside, 'sizes.json'), JSON.stringify(await sizes(aside, names)))
      await rename(aside, final)
    } finally {
      await rm(aside, { recursive: true, force: true })
    }
    return final
  } finally {
    await unlock()
  }
}

/** Size of each file, and a digest of its head, middle and tail: what was cut off or made by half shows, and gigabytes need not be read. */
async function sizes(directory: string, names: readonly string[]): Promise<Record<string, string>> {
  const result: Record<string, string> = {}
  for (const name of names) {
    const file = await open(join(directory, name))
    try {
      const { size } = await file.stat()
      const chunk = Buffer.alloc(Math.min(size, 4 * 2 ** 20))
      const hash = createHash('sha256')
      for (const position of [0, Math.floor((size - chunk.length) / 2), size - chunk.length]) {
        await file.read(chunk, 0, chunk.length, position)
        hash.update(chunk)
      }
      result[name] = `${size} ${hash.digest('hex')}`
    } finally {
      await file.close()
    }
  }
  return result
}

async function isWhole(directory: string, names: readonly string[]): Promise<boolean> {
  try {
    const expected = JSON.parse(await readFile(join(directory, 'sizes.json'), 'utf8')) as Record<string, string>
    const found = await sizes(directory, names)
    return names.every((name) => found[name] !== undefined && found[name] === expected[name])
  } catch {
    return false
  }
}

/** Of the kernel (flock(2)): it ends with who holds it, however that ends. Node has none; what a child takes through a descriptor of ours is ours. */
async function lock(path: string): Promise<() => Promise<void>> {
  const file = await open(path, 'a')
  const child = spawn('flock', ['--exclusive', '3'], { stdio: ['ignore', 'ignore', 'inherit', file.fd] })
  const [exitCode] = await once(child, 'exit')
  if (exitCode !== 0) {
    await file.close()
    throw new Error(`${path} cannot be locked: flock ended with ${exitCode}`)
  }
  return () => file.close()
}
