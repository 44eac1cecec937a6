import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The example that a new driver starts as: it works, so that the conformance suite passes from the first minute on. */
const TEMPLATE = {
  directory: join(import.meta.dirname, '..', '..', 'examples', 'driver-qsd-fuse'),
  name: 'qsd-fuse',
  code: 'DRIVER_QSD_FAILED',
}

export interface NewDriver {
  /** What the driver calls itself. */
  readonly name: string
  /** The package's directory; must not exist. */
  readonly directory: string
  /** npm scope of a package outside of this repository, `@somebody`. Absent: it is one of ours. */
  readonly scope?: string
}

/** What is wrong with a name for a driver, or `undefined`. */
export function nameProblem(name: string): string | undefined {
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) return 'a name has up to 41 characters of a-z, 0-9 and -, a letter first'
  if (name.startsWith('driver-')) return 'leave out `driver-`: the package is called so anyway'
  return undefined
}

/** Makes the package of a new driver, and says which files it has, relative to its directory. */
export function createDriverPackage(driver: NewDriver): string[] {
  const { directory, name, scope } = driver
  if (existsSync(directory)) throw new Error(`${directory} is there already`)
  mkdirSync(directory, { recursive: true })
  cpSync(join(TEMPLATE.directory, 'src'), join(directory, 'src'), { recursive: true })
  if (scope === undefined) {
    // Where the workspace's own runner finds it.
    const test = readFileSync(join(TEMPLATE.directory, 'test', 'conformance.test.ts'), 'utf8').replaceAll(
      "'../src/index.ts'",
      "'./index.ts'",
    )
    writeFileSync(join(directory, 'src', 'conformance.int.test.ts'), test)
    writeFileSync(join(directory, 'package.json'), `${JSON.stringify(ownManifest(name), null, 2)}\n`)
    writeFileSync(join(directory, 'README.md'), ownReadme(name))
  } else {
    for (const file of ['package.json', 'tsconfig.json', 'vitest.config.ts', 'test', 'README.md'])
      cpSync(join(TEMPLATE.directory, file), join(directory, file), { recursive: true })
  }
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name: file }) => join(parentPath, file))
  for (const file of files) writeFileSync(file, renamed(readFileSync(file, 'utf8'), name, scope))
  return files.map((file) => file.slice(directory.length + 1)).sort()
}

const renamed = (text: string, name: string, scope = '@host-deployer'): string =>
  text
    .replaceAll(`@example/driver-${TEMPLATE.name}`, `${scope}/driver-${name}`)
    .replaceAll(TEMPLATE.code, `DRIVER_${name.toUpperCase().replaceAll('-', '_')}_FAILED`)
    .replaceAll(TEMPLATE.name, name)

function ownManifest(name: string): Readonly<Record<string, unknown>> {
  const entry = { types: './dist/index.d.ts', default: './dist/index.js' }
  return {
    name: `@host-deployer/driver-${name}`,
    version: '0.1.0',
    description: `Reaches the disks of an image through ${name}`,
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: '>=22.18' },
    sideEffects: false,
    files: ['dist', 'CHANGELOG.md'],
    exports: { '.': { '@host-deployer/source': './src/index.ts', ...entry } },
    scripts: { build: 'node ../../tools/build/build-package.ts' },
    dependencies: { '@host-deployer/driver-api': 'workspace:*', '@host-deployer/driver-kit': 'workspace:*' },
    devDependencies: { '@host-deployer/driver-testkit': 'workspace:*', vitest: 'catalog:' },
    publishConfig: { access: 'public', provenance: true, exports: { '.': entry } },
  }
}

const ownReadme = (name: string): string => `# @host-deployer/driver-${name}

What it attaches disks with, what it needs, which images it is for.

\`\`\`ts
import { driver } from '@host-deployer/driver-${name}'

console.log(driver.name, driver.apiVersion)
\`\`\`

\`\`\`text
${name} 1
\`\`\`
`
