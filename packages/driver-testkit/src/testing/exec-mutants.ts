import { ExecError, type ExecResult, type ToolHost } from '@host-deployer/driver-api'
import type { Mutant } from './mutant.ts'

type Exec = ToolHost['exec']

const exec = (change: (exec: Exec) => Exec, ...found: readonly string[]): Mutant => ({ fault: { exec: change }, groups: ['exec'], found })

const onResult = (change: (result: ExecResult) => ExecResult): ((exec: Exec) => Exec) => {
  return (run) => async (argv, options) => change(await run(argv, options))
}

const onError = (code: string, change: () => ExecResult): ((exec: Exec) => Exec) => {
  return (run) => (argv, options) =>
    run(argv, options).catch((error: unknown) => {
      if ((error as { readonly code?: unknown }).code === code) return change()
      throw error
    })
}

const asText = (bytes: Uint8Array): Uint8Array => Buffer.from(Buffer.from(bytes).toString())
const empty: ExecResult = { exitCode: 0, signal: null, stdout: new Uint8Array(), stderr: new Uint8Array() }

/** A command that nobody finds again by its parent or its group. */
const escaping = (argv: readonly string[]) => ['sh', '-c', '(setsid "$@" &); exec sleep 60', 'sh', ...argv] as const

/** Faults in how programs run. */
export const execMutants: Readonly<Record<string, Mutant>> = {
  'joins arguments into a shell line': exec((run) => (argv, options) => run(['sh', '-c', argv.join(' ')], options), 'exec.argv-exact'),
  'quotes arguments, but for newlines': exec(
    (run) => (argv, options) => run(argv.map((word) => word.replaceAll('\n', ' ')) as never, options),
    'exec.argv-exact',
  ),
  'cuts a NUL off': exec((run) => (argv, options) => run(argv.map((word) => word.split('\0')[0] ?? '') as never, options), 'exec.nul'),
  'decodes output as text': exec(
    onResult((result) => ({ ...result, stdout: asText(result.stdout), stderr: asText(result.stderr) })),
    'exec.binary-output',
  ),
  'decodes standard error as text': exec(
    onResult((result) => ({ ...result, stderr: asText(result.stderr) })),
    'exec.binary-output',
  ),
  'trims output': exec(
    onResult((result) => ({ ...result, stdout: Buffer.from(Buffer.from(result.stdout).toString('latin1').trimEnd(), 'latin1') })),
    'exec.exit-code',
  ),
  'takes 64 KiB of standard input': exec(
    (run) => (argv, options) => run(argv, { ...options, stdin: Buffer.from((options?.stdin ?? '') as Uint8Array).subarray(0, 65_536) }),
    'exec.binary-output',
    'exec.stdin-1-mib',
  ),
  'rejects when a program fails': exec(
    (run) => async (argv, options) => {
      const result = await run(argv, options)
      if (result.exitCode !== 0 && argv[0] === 'sh') throw new ExecError('EXEC_FAILED', 'It failed')
      return result
    },
    'exec.exit-code',
  ),
  'reports a signal as an exit code': exec(
    onResult((result) => (result.signal === null ? result : { ...result, exitCode: 139, signal: null })),
    'exec.signal',
  ),
  'hands its environment on': exec(
    (run) => (argv, options) => run(argv, { ...options, env: { ...(process.env as Record<string, string>), ...options?.env } }),
    'exec.environment',
  ),
  'a missing program is a result': exec(
    onError('EXEC_NOT_FOUND', () => ({ ...empty, exitCode: 127 })),
    'exec.not-found',
  ),
  'a timeout leaves the tree': exec(
    (run) => (argv, options) => run(options?.signal !== undefined && options.timeoutMs !== undefined ? escaping(argv) : argv, options),
    'exec.timeout-kills-tree',
  ),
  'a timeout is a result': exec(
    onError('EXEC_TIMEOUT', () => empty),
    'exec.timeout-kills-tree',
  ),
  'an abort leaves the tree': exec(
    (run) => (argv, options) => run(options?.signal !== undefined && options.timeoutMs === undefined ? escaping(argv) : argv, options),
    'exec.abort-kills-tree',
  ),
  'output beyond the limit is cut': exec(
    onError('EXEC_OUTPUT_LIMIT', () => empty),
    'exec.output-limit',
  ),
}
