// `./dev conformance NAME|PATH [options]`: the conformance suite on a driver of this repository, or on one of a file.
import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { bundleProgram } from './bundle.ts'
import { conformanceArguments } from './command-line.ts'

const root = join(import.meta.dirname, '..', '..')
const directory = process.env['INIT_CWD'] ?? process.cwd()
const cacheBase = process.env['XDG_CACHE_HOME']?.startsWith('/') ? process.env['XDG_CACHE_HOME'] : join(homedir(), '.cache')
const args = conformanceArguments(process.argv.slice(2), { root, directory, cacheDirectory: join(cacheBase, 'host-deployer') })
const program = join(root, 'packages', 'driver-testkit', 'src', 'main.ts')
const flags = ['--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning']

/** An example as one file: here it has nothing installed that it could import. */
async function bundleExample(path: string): Promise<string> {
  const name = basename(path)
  const file = join(root, 'node_modules', '.cache', 'conformance', `${name}.mjs`)
  await bundleProgram(join(path, name === 'driver-plain-js' ? 'index.js' : 'src/index.ts'), file)
  return file
}

const [driver = '', ...rest] = args
const given = dirname(driver) === join(root, 'examples') ? [await bundleExample(driver), ...rest] : args
const { status } = spawnSync(process.execPath, [...flags, program, ...given], { cwd: directory, stdio: 'inherit' })
process.exitCode = status ?? 1
