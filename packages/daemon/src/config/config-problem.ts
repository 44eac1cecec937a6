import { ConfigError } from '@host-deployer/driver-api'
import type { ConfigSource } from './config-source.ts'

/** One thing that is wrong with the configuration. Never holds a value: it might be a password. */
export interface ConfigProblem {
  readonly code: string
  readonly source: ConfigSource
  readonly message: string
  readonly hint: string
}

const maxListed = 20

/** All problems as one error with the code and hint of the first; `context.problems` has file, line and key of each. */
export function configError(problems: readonly ConfigProblem[]): ConfigError {
  const [first] = problems
  if (first === undefined) throw new TypeError('An error needs a problem')
  const lines = problems.slice(0, maxListed).map(({ source, message }) => `${placeText(source)}: ${message}`)
  if (problems.length > maxListed) lines.push(`and ${problems.length - maxListed} more`)
  return new ConfigError(first.code, lines.join('\n'), {
    hint: first.hint,
    context: {
      problems: problems.slice(0, maxListed).map(({ code, source, message }) => ({ code, ...placeOf(source), message })),
    },
  })
}

function placeText(source: ConfigSource): string {
  if (source.kind === 'default') return 'default'
  return source.kind === 'file' ? `${source.file}:${source.line}: ${source.name}` : source.name
}

function placeOf(source: ConfigSource): Readonly<Record<string, unknown>> {
  if (source.kind === 'default') return {}
  return source.kind === 'file' ? { file: source.file, line: source.line, key: source.name } : { key: source.name }
}
