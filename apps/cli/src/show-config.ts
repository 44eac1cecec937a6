import { type ReadConfigResult, sourceText } from '@host-deployer/daemon'
import pc from 'picocolors'
import { showDiagnostics } from './show-diagnostics.ts'

/** The configuration for people: one line for each value, below it what it overrode; then the files, then findings. */
export function showConfig({ explained, diagnostics, files }: ReadConfigResult): string {
  const width = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length))
  const keys = width(explained.map(({ key }) => key))
  const values = Math.min(width(explained.map(({ value }) => valueText(value))), 40)
  const lines = ['']
  for (const { key, value, source, overrode } of explained) {
    const isDefault = source.kind === 'default'
    const shown = valueText(value).padEnd(values)
    lines.push(
      `  ${key.padEnd(keys)}  ${isDefault ? shown : pc.bold(shown)}  ${isDefault ? pc.dim('default') : pc.cyan(sourceText(source))}`,
    )
    for (const other of overrode) lines.push(pc.dim(`  ${''.padEnd(keys)}  not ${valueText(other.value)}, ${sourceText(other.source)}`))
  }
  lines.push('', ...files.map(({ path, state }) => `  ${state === 'absent' ? pc.dim('absent') : pc.green('read  ')}  ${path}`))
  return `${[...lines, ...showDiagnostics(diagnostics)].join('\n')}\n`
}

const valueText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
