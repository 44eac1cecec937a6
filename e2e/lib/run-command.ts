import { deployReport, errorReport, formatReport, growReport, probeReport } from '@host-deployer/api'
import { execa, type Result, type ResultPromise } from 'execa'
import { applianceDirectory } from './appliance-directory.ts'
import { commandLine } from './command-line.ts'
import { rememberRun, rememberTraces } from './evidence.ts'

const options = { reject: false, timeout: 540_000, stripFinalNewline: false } as const

/** The command of this checkout, as a user starts it. */
export function runCommand(...args: readonly string[]): ResultPromise<typeof options> {
  const [node, ...rest] = commandLine(args)
  return execa(node, rest, options)
}

/** The name that reports give the driver; `undefined` when the run asks for another one, by a path perhaps. */
export function driverUnderTest(): string | undefined {
  return process.env['HOST_DEPLOYER_E2E_DRIVER'] === undefined ? 'qemu-initramfs' : undefined
}

/** The appliance under test, and the driver when the run asks for another one. */
export function driverArguments(): string[] {
  const driver = process.env['HOST_DEPLOYER_E2E_DRIVER']
  return ['--appliance', applianceDirectory(), ...(driver === undefined ? [] : ['--driver', driver])]
}

/** Of the document each verb prints when it succeeds. */
const schemas = new Map<string, { parse(value: unknown): unknown }>([
  ['deploy', deployReport],
  ['seal', deployReport],
  ['probe', probeReport],
  ['format', formatReport],
  ['grow', growReport],
])

/** Runs with `--json` and gives the document, which has to fit its published schema; throws with all that was said when the exit code is not the expected one. */
export async function runJson<T>(args: readonly string[], exitCode = 0): Promise<T> {
  const all = [...args, '--json', ...(exitCode === 0 ? ['--keep-on-failure'] : []), ...driverArguments()]
  const result: Result<typeof options> = await runCommand(...all)
  rememberRun({ args: all, exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr })
  if (result.exitCode !== 0 && exitCode === 0) for (const path of keptTraces(result.stdout)) rememberTraces(path)
  if (result.exitCode !== exitCode) throw new Error(`exit code ${result.exitCode}, not ${exitCode}\n${result.stdout}\n${result.stderr}`)
  const document: unknown = JSON.parse(result.stdout)
  const schema = exitCode !== 0 ? errorReport : schemas.get(args[0] ?? '')
  schema?.parse(document)
  return document as T
}

/** The directories that `--keep-on-failure` named in an error document. */
function keptTraces(stdout: string): string[] {
  try {
    const { error } = errorReport.parse(JSON.parse(stdout))
    const named = [
      error.context?.['kept'],
      ...(error.diagnostics ?? []).filter(({ code }) => code === 'TRACES_KEPT').map(({ path }) => path),
    ]
    return named.filter((path) => typeof path === 'string')
  } catch {
    return []
  }
}
