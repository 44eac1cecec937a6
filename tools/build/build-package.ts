// Builds the package in the current directory: ESM by tsup, declarations by tsc.
// One script for every package, so that a package's manifest only says `node ../../tools/build/build-package.ts`.
// What a command waits for before its VM starts is built in: to find and read the hundred files of a schema library costs more than to run what is used of it.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'tsup'
import { writeBuiltInLicences } from './built-in-licences.ts'

/** Their declarations still come from the packages, which stay dependencies. */
const builtIn = ['commander', 'diff', 'picocolors', 'zod']

const root = join(import.meta.dirname, '..', '..')
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { exports?: Record<string, Record<string, string>> }
const sources = Object.values(manifest.exports ?? {})
  .map((target) => target['@host-deployer/source'])
  .filter((source) => source !== undefined)

rmSync('dist', { recursive: true, force: true })
await build({
  entry: sources,
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  sourcemap: true,
  splitting: true,
  silent: true,
  config: false,
  metafile: true,
  noExternal: builtIn,
  outDir: 'dist',
})
writeBuiltInLicences('dist')

const project = join('dist', 'tsconfig.json')
writeFileSync(
  project,
  JSON.stringify({
    extends: join(root, 'tools', 'build', 'tsconfig.base.json'),
    // Against the built declarations of the packages below, exactly as a consumer sees them.
    compilerOptions: { customConditions: [], rootDir: '../src', outDir: '.', declaration: true, emitDeclarationOnly: true },
    files: sources.map((source) => join('..', source)),
  }),
)
const tsc = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project], { stdio: 'inherit' })
rmSync(project, { force: true })
if (tsc.status !== 0) process.exit(tsc.status ?? 1)
