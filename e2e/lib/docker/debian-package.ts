import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDebianPackage } from '../../../tools/release/make-debian-package.ts'
import { applianceDirectory, ensureAppliance } from '../appliance.ts'
import { cached, digest } from '../cache.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** The Debian package of this checkout, packed for speed. From the cache as long as nothing it is made of has changed. */
export async function ensureDebianPackage(): Promise<string> {
  await ensureAppliance()
  const manifest = await readFile(join(applianceDirectory(), 'manifest.json'))
  const directory = await cached('deb', digest(await digestOfSources(), manifest), ['host-deployer.deb'], async (into) => {
    const path = await makeDebianPackage({ into, appliance: applianceDirectory(), compression: ['-Zgzip', '-z1'] })
    await rename(path, join(into, 'host-deployer.deb'))
  })
  return join(directory, 'host-deployer.deb')
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
