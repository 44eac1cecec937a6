import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type PublishedPackage, root } from './published-packages.ts'
import { mustRun } from './run-program.ts'

/** Tarballs by package name. */
export type Tarballs = ReadonlyMap<string, string>

/** Builds what is not built, which takes a moment when nothing has changed. */
export async function buildPackages(): Promise<void> {
  await mustRun([join(root, 'node_modules', '.bin', 'turbo'), 'run', 'build', '--output-logs=errors-only'], root)
}

/** Packs built packages into `directory` as they would be published. */
export async function packPackages(packages: readonly PublishedPackage[], directory: string): Promise<Tarballs> {
  mkdirSync(directory, { recursive: true })
  const tarballs = new Map<string, string>()
  await Promise.all(
    packages.map(async ({ directory: cwd, manifest: { name } }) => {
      const { filename } = JSON.parse(await mustRun(['pnpm', 'pack', '--json', '--pack-destination', directory], cwd)) as {
        filename: string
      }
      tarballs.set(name, filename)
    }),
  )
  return tarballs
}
