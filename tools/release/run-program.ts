import { execFile } from 'node:child_process'

export interface ProgramResult {
  /** 0 to 255, or `null` when it could not be started or a signal ended it. */
  readonly exitCode: number | null
  readonly stdout: string
  /** Standard output and error, for people. */
  readonly all: string
}

/** Runs a program without a shell and waits for its end, ten minutes at most. */
export function runProgram(
  argv: readonly [string, ...string[]],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ProgramResult> {
  const [program, ...args] = argv
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env, timeout: 600_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      resolve({ exitCode: typeof code === 'number' ? code : null, stdout, all: `${stdout}${stderr}${error === null ? '' : error.message}` })
    })
  })
}

/** {@link runProgram} that rejects when the program fails. */
export async function mustRun(argv: readonly [string, ...string[]], cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { exitCode, stdout, all } = await runProgram(argv, cwd, env)
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}\n${all}`)
  return stdout
}
