import { ExecError } from '@host-deployer/driver-api'
import { ExecaError, execa } from 'execa'

/** Debian packages of this machine that a build needs, with the programs it calls. */
export const buildTools = { apt: ['apt-get', 'apt-cache'], dpkg: ['dpkg-deb'], lz4: ['lz4'], 'xz-utils': ['xz'], tar: ['tar'] } as const

export interface HostToolOptions {
  readonly cwd?: string
  readonly input?: Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/**
 * Runs a program of this machine and resolves with its standard output. `EXEC_NOT_FOUND` with the package to install,
 * `EXEC_FAILED` with the last lines of standard error.
 */
export async function runHostTool(argv: readonly [string, ...string[]], options: HostToolOptions = {}): Promise<Uint8Array> {
  const [program, ...args] = argv
  try {
    const { stdout } = await execa(program, args, {
      encoding: 'buffer',
      stripFinalNewline: false,
      maxBuffer: 1024 ** 3,
      // What the tools print must not depend on who calls.
      env: { LC_ALL: 'C', ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
      ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    })
    return stdout
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error
    if (error.code === 'ENOENT') {
      const debianPackage = Object.entries(buildTools).find(([, programs]) => (programs as readonly string[]).includes(program))?.[0]
      throw new ExecError('EXEC_NOT_FOUND', `There is no ${program} on this machine`, {
        hint: debianPackage === undefined ? `Install ${program}.` : `apt-get install ${debianPackage}`,
        cause: error,
      })
    }
    const stderr = Buffer.from((error.stderr as Uint8Array | undefined) ?? '').toString()
    throw new ExecError(
      'EXEC_FAILED',
      `${program} ended with ${error.exitCode ?? error.signal}: ${stderr.trim().split('\n').slice(-5).join('\n')}`,
      {
        context: { argv },
        cause: error,
      },
    )
  }
}
