// The suite as a command, for drivers whose authors use no test framework: `driver-conformance ./my-driver.js`.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { DeployError } from '@host-deployer/driver-api'
import { driverSpecifier, locateDriver } from '@host-deployer/driver-loader'
import { type GroupName, groupNames } from './check.ts'
import { importDriver } from './import-driver.ts'
import { renderCheck, renderSummary } from './render-report.ts'
import { runConformance } from './report.ts'

const USAGE = `usage: driver-conformance DRIVER [options]

Runs the conformance suite of host-deployer on a driver, named as for \`host-deployer --driver\`: a file (./my-driver.js), the directory
of a package (.), or a package in node_modules (@you/driver-zfs). Its module exports \`driver\`.

  --group NAME             run this group only; may be repeated (${groupNames.join(', ')})
  --options JSON           the driver's section of a configuration
  --cache-directory DIR    where built artefacts are; default: an empty directory
  --rounds N               how many times the leak group opens and closes; default 3
  --json                   write the report as JSON on standard output, progress on standard error

exit code: 0 the driver conforms, 1 it does not, 2 the command line is wrong
`

class UsageError extends Error {}

interface Invocation {
  readonly module: URL
  readonly groups: readonly GroupName[]
  readonly options: unknown
  readonly cacheDirectory: string | undefined
  readonly rounds: number
  readonly json: boolean
}

function locate(specifier: string): URL {
  try {
    return pathToFileURL(locateDriver(specifier, driverSpecifier(specifier), [process.cwd()]).path)
  } catch (cause) {
    if (!DeployError.isInstance(cause)) throw cause
    throw new UsageError(`${cause.message}. ${cause.hint}`, { cause })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`--options wants JSON: ${cause}`, { cause })
  }
}

function parseCommandLine(args: readonly string[]): Invocation {
  const config = {
    group: { type: 'string', multiple: true },
    options: { type: 'string' },
    'cache-directory': { type: 'string' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean' },
  } as const
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options: config, allowPositionals: true })
    } catch (cause) {
      throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }
  const { values, positionals } = parse()
  const [specifier] = positionals
  if (specifier === undefined || positionals.length > 1) throw new UsageError('Name one driver')
  const unknown = values.group?.find((name) => !groupNames.some((known) => known === name))
  if (unknown !== undefined) throw new UsageError(`There is no group ${unknown}`)
  if (!/^[1-9]\d{0,4}$/.test(values.rounds)) throw new UsageError('--rounds wants a number from 1 to 99999')
  const cacheDirectory = values['cache-directory']
  return {
    module: locate(specifier),
    groups: (values.group ?? []) as readonly GroupName[],
    options: values.options === undefined ? {} : parseJson(values.options),
    cacheDirectory: cacheDirectory === undefined ? undefined : resolve(cacheDirectory),
    rounds: Number(values.rounds),
    json: values.json === true,
  }
}

async function run({ module, groups, options, cacheDirectory, rounds, json }: Invocation): Promise<0 | 1> {
  const driver = await importDriver(module).catch((cause: unknown) => {
    throw new UsageError(`The driver cannot be loaded: ${cause}`, { cause })
  })
  const progress = json ? process.stderr : process.stdout
  const report = await runConformance({
    driver,
    module,
    groups,
    options,
    rounds,
    ...(cacheDirectory !== undefined && { cacheDirectory }),
    onCheck: (check) => progress.write(`${renderCheck(check)}\n`),
  }).catch((cause: unknown) => {
    throw cause instanceof TypeError ? new UsageError(cause.message, { cause }) : cause
  })
  progress.write(`\n${renderSummary(report)}\n`)
  if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  return report.passed ? 0 : 1
}

/** The command: reads its arguments, writes the report, returns the exit code. */
export async function conformanceCommand(args: readonly string[]): Promise<0 | 1 | 2> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE)
    return 0
  }
  try {
    return await run(parseCommandLine(args))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`driver-conformance: ${error.message}\n\n${USAGE}`)
    return 2
  }
}
