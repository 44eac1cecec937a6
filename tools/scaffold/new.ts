// `pnpm new driver NAME`: a package in packages/. `pnpm new driver NAME --in DIR [--scope @somebody]`: one outside of this repository.
import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createDriverPackage, nameProblem } from './driver-package.ts'

const root = join(import.meta.dirname, '..', '..')
const usage = 'usage: pnpm new driver NAME [--in DIR [--scope @somebody]]'

function main(): string {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { in: { type: 'string' }, scope: { type: 'string' } } })
  const [kind, name = '', ...rest] = positionals
  if (kind !== 'driver' || name === '' || rest.length > 0) throw new Error(usage)
  const problem = nameProblem(name)
  if (problem !== undefined) throw new Error(`${name}: ${problem}`)
  const { scope = '@example' } = values
  if (!/^@[a-z0-9][a-z0-9-]*$/.test(scope)) throw new Error(`${scope}: a scope looks like @somebody`)
  if (existsSync(join(root, 'packages', `driver-${name}`))) throw new Error(`${name}: there is packages/driver-${name} already`)

  if (values.in === undefined) {
    const directory = join(root, 'packages', `driver-${name}`)
    const files = createDriverPackage({ name, directory })
    const code = `DRIVER_${name.toUpperCase().replaceAll('-', '_')}_FAILED`
    return `${list(directory, files)}
next
  pnpm install
  ./dev test integration packages/driver-${name}     # the conformance suite: it passes, now make the driver yours
  an entry for ${code} in packages/api/src/catalogue/driver-errors.ts, then: node tools/errors/generate.ts`
  }
  const directory = resolve(process.env['INIT_CWD'] ?? process.cwd(), values.in)
  return `${list(directory, createDriverPackage({ name, directory, scope }))}
next
  cd ${directory} && npm install && npm run build && npm test
  host-deployer drivers ${directory}`
}

const list = (directory: string, files: readonly string[]): string =>
  files.map((file) => relative(process.cwd(), join(directory, file))).join('\n')

try {
  console.log(main())
  console.log('  docs/add-a-driver.md says what is where, and why')
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
