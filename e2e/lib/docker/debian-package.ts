import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDebianPackage } from '../../../tools/release/make-debian-package.ts'
import { ensureAppliance } from '../appliance.ts'
import { applianceDirectory } from '../appliance-directory.ts'
import { cached, digest } from '../cache.ts'

const KEPT = 4
const root = join(import.meta.dirname, '..', '..', '..')

/** The Debian package of this checkout, packed for speed. From the cache as long as nothing it is made of has changed. */
export async function ensureDebianPackage(): Promise<string> {
  await ensureAppliance()
  const manifest = await readFile(join(applianceDirectory(), 'manifest.json'))
  const directory = await cached('deb', digest(await digestOfSources(), manifest), ['host-deployer.deb'], async (into) => {
    const path = await makeDebianPackage({ into, appliance: applianceDirectory(), compression: ['-Zgzip', '-z1'] })
    await rename(path, join(into, 'host-deployer.deb'))
  })
  await forgetOld(dirname(directory))
  return join(directory, 'host-deployer.deb')
}

/** Every change of a source makes another 90 MB: the last few stay, for other checkouts. */
async function forgetOld(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => /^[0-9a-f]+$/.test(name))
  const dated = await Promise.all(names.map(async (name) => ({ path: join(parent, name), ms: (await stat(join(parent, name))).mtimeMs })))
  for (const { path } of dated.sort((a, b) => b.ms - a.ms).slice(KEPT)) await rm(path, { recursive: true, force: true })
}

/** Everything the package is made of: sources, manifests, the lockfile, what builds and packs. Tests are no part of it. */
async function digestOfSources(): Promise<string> {
  const lists = await Promise.all(['packages', 'apps', 'packaging', join('tools', 'release'), join('tools', 'build')].map(sourceFiles))
  const paths = [...lists.flat(), 'pnpm-lock.yaml', 'dev'].sort()
  const contents = await Promise.all(paths.map((path) => readFile(join(root, path))))
  return digest(...paths.flatMap((path, index) => [path, contents[index] ?? '']))
}

async function sourceFiles(directory: string): Promise<string[]> {
  const skipped = /(^|\/)(node_modules|dist|\.turbo|fixtures|testing|__captured__)(\/|$)|\.(int\.)?test\.ts$|\.test-support\.ts$/
  const names = await readdir(join(root, directory), { withFileTypes: true })
  const lists = names.map((entry) => {
    const path = join(directory, entry.name)
    if (skipped.test(path)) return []
    return entry.isDirectory() ? sourceFiles(path) : [path]
  })
  return (await Promise.all(lists)).flat()
}
