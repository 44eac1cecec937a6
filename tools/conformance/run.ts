// `./dev conformance NAME|PATH [options]`: the conformance suite on a driver of this repository, or on one of a file.
import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { conformanceArguments } from './command-line.ts'

const root = join(import.meta.dirname, '..', '..')
const directory = process.env['INIT_CWD'] ?? process.cwd()
const cacheBase = process.env['XDG_CACHE_HOME']?.startsWith('/') ? process.env['XDG_CACHE_HOME'] : join(homedir(), '.cache')
const args = conformanceArguments(process.argv.slice(2), { root, directory, cacheDirectory: join(cacheBase, 'host-deployer') })
const program = join(root, 'packages', 'driver-testkit', 'src', 'main.ts')
const flags = ['--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning']
const { status } = spawnSync(process.execPath, [...flags, program, ...args], { cwd: directory, stdio: 'inherit' })
process.exitCode = status ?? 1
