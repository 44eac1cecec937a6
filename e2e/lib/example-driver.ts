import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** The examples that are drivers, each with its module before any build. */
const modules = { 'driver-qsd-fuse': join('src', 'index.ts'), 'driver-plain-js': 'index.js' } as const

export type ExampleName = keyof typeof modules

/**
 * Puts an example into `directory` with what it depends on beside it, as an installation would, but from this checkout: `tools/release` tests it with the
 * packages as published. Returns the path to name it by.
 */
export async function installExample(name: ExampleName, directory: string): Promise<string> {
  const project = join(directory, name)
  const scope = join(project, 'node_modules', '@host-deployer')
  await cp(join(root, 'examples', name), project, { recursive: true, filter: (path) => !/\/(node_modules|dist)$/.test(path) })
  await mkdir(scope, { recursive: true })
  for (const dependency of ['driver-api', 'driver-kit']) await symlink(join(root, 'packages', dependency), join(scope, dependency))
  return join(project, modules[name])
}
