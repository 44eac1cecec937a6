import type { Diagnostic } from '@host-deployer/driver-api'
import pc from 'picocolors'

/** Findings, one line each after an empty one; nothing when there are none. */
export function showDiagnostics(diagnostics: readonly Diagnostic[]): string[] {
  if (diagnostics.length === 0) return []
  const colour = { info: pc.cyan, warning: pc.yellow, error: pc.red }
  return [
    '',
    ...diagnostics.map(
      ({ severity, code, summary, path }) =>
        `${colour[severity](severity)} ${code}${path === undefined ? '' : ` ${pc.dim(path)}`}: ${summary}`,
    ),
  ]
}
