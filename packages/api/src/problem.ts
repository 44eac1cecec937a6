import { type Diagnostic, InputError } from '@host-deployer/driver-api'

/** One thing that is wrong with a request. Never holds a value of the request, which might be a password. */
export interface Problem {
  readonly code: string
  /** `user-data`, `meta-data`, `network-config`. */
  readonly file: string
  /** `users[0].shell`; absent when it is about the file. */
  readonly path?: string
  /** From 1. */
  readonly line?: number
  readonly column?: number
  readonly message: string
}

const maxListed = 20
const maxKept = 100

const hints: Readonly<Record<string, string>> = {
  INPUT_YAML_INVALID: 'Correct the YAML at the line given.',
  INPUT_KEY_UNKNOWN: 'Correct the spelling of the key, or leave unknown keys out with --ignore-unsupported.',
  INPUT_KEY_UNSUPPORTED: 'Remove the key, or let host-deployer leave it out with --ignore-unsupported.',
}

/**
 * All problems as one error. Its code is the first problem's that is not about an unknown key, else the first one's; `context.problems` has them
 * all (the first hundred), with file, path, line and column.
 */
export function problemsError(problems: readonly Problem[]): InputError {
  const first = problems.find(({ code }) => !code.startsWith('INPUT_KEY_')) ?? problems[0]
  if (first === undefined) throw new TypeError('An error needs a problem')
  const listed = problems.slice(0, maxListed).map(problemText)
  const more = problems.length > maxListed ? [`and ${problems.length - maxListed} more`] : []
  return new InputError(first.code, [...listed, ...more].join('\n'), {
    hint: hints[first.code] ?? 'Correct the request at the line given.',
    context: { problems: problems.slice(0, maxKept) },
  })
}

/** `user-data:3:5: users[0].shel: unknown key`. */
export function problemText({ file, line, column, path, message }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`
  return path === undefined || path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`
}

/** What becomes of keys that are not supported, if they are no reason to refuse the request. */
export type Unsupported = 'leave-out' | 'leave-to-cloud-init'

export function problemDiagnostic(problem: Problem, unsupported: Unsupported): Diagnostic {
  const { path, code, ...rest } = problem
  const shown = problemText({ code, ...rest })
  return {
    ...(unsupported === 'leave-out'
      ? { severity: 'warning', code, summary: `left out: ${shown}` }
      : { severity: 'info', code, summary: `left to cloud-init: ${shown}` }),
    ...(path === undefined ? {} : { path }),
  }
}

/** `users[0].shell`. A key that is not a plain name is not shown: a forgotten blank makes one of `password:secret`. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else text += `${text === '' ? '' : '.'}${/^[\w.@/-]{1,64}$/.test(String(key)) ? String(key) : '(?)'}`
  }
  return text
}
