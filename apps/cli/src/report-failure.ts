import type { ErrorReport } from '@host-deployer/api'
import { exitCodeOf, hintOf } from '@host-deployer/api'
import { DeployError } from '@host-deployer/driver-api'
import pc from 'picocolors'

/** Tells the person or program what failed and what to do next, and gives the exit code. */
export async function reportFailure(error: unknown, json: boolean): Promise<number> {
  const report = errorReport(error)
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else process.stderr.write(describe(error, report))
  return exitCodeOf(error)
}

export function errorReport(error: unknown): ErrorReport {
  if (!DeployError.isInstance(error)) {
    const message = error instanceof Error ? error.message : String(error)
    return {
      error: {
        code: 'INTERNAL',
        message,
        hint: 'This is a fault of host-deployer; please report it with the steps that led here.',
        phase: null,
      },
    }
  }
  return {
    error: {
      code: error.code,
      message: error.message,
      hint: hintOf(error) ?? null,
      phase: error.phase ?? null,
      ...(Object.keys(error.context).length === 0 ? {} : { context: error.context }),
      ...(error.diagnostics.length === 0 ? {} : { diagnostics: error.diagnostics }),
    },
  }
}

function describe(error: unknown, { error: { code, message, hint, phase, diagnostics } }: ErrorReport): string {
  const lines = [`${pc.red('error')} ${pc.bold(code)}${phase === null ? '' : pc.dim(` while: ${phase}`)}`, `  ${message}`]
  for (const { summary, detail } of diagnostics ?? []) {
    lines.push(
      pc.dim(`  ${summary}`),
      ...(detail ?? '')
        .split('\n')
        .filter(Boolean)
        .map((line) => pc.dim(`    ${line}`)),
    )
  }
  if (DeployError.isInstance(error)) {
    for (const cleanup of error.cleanupErrors)
      lines.push(pc.dim(`  and while cleaning up: ${cleanup instanceof Error ? cleanup.message : String(cleanup)}`))
  } else if (error instanceof Error && error.stack !== undefined) {
    lines.push(pc.dim(error.stack))
  }
  if (hint !== null) lines.push(`${pc.green('next')}  ${hint}`)
  return `${lines.join('\n')}\n`
}
