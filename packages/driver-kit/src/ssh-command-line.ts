import { type Argv, quoteArgv, quoteWord } from './argv.ts'

export interface SshCommand {
  /** Goes into the SSH `exec` request; the server's login shell (POSIX) runs it. */
  readonly commandLine: string
  /** Goes to standard input ahead of the caller's bytes. */
  readonly stdinPrefix: string
}

export interface SshCommandParts {
  readonly argv: Argv
  /** Exported before the program starts. Names are checked: `[A-Za-z_][A-Za-z0-9_]*`. */
  readonly env: Readonly<Record<string, string>>
  /** A word of letters, digits and `-` that stands in the shell's own command line, so that the shell can be found before the program replaces it. */
  readonly mark: string
  /** Printed on standard error, and nothing else, when the program does not exist. */
  readonly notFoundToken: string
}

// dropbear refuses a command of more than 9000 bytes (MAX_CMD_LEN), and no argument of execve(2) may exceed 128 KiB.
const LONGEST_COMMAND_LINE = 8000

/**
 * The command line for one program with exactly these arguments. SSH has no argv, so a shell's quoting carries it; the program replaces the
 * shell (`exec`), so its signals and exit code are what the server reports. A long command travels on standard input instead.
 */
export function sshCommand({ argv, env, mark, notFoundToken }: SshCommandParts): SshCommand {
  for (const name of Object.keys(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new TypeError(`Not a name for an environment variable: ${JSON.stringify(name)}`)
  }
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${quoteWord(value)}`)
  const exported = assignments.length === 0 ? '' : `export ${assignments.join(' ')}; `
  const lookup = `command -v ${quoteWord(argv[0])} >/dev/null 2>&1 || { printf %s ${quoteWord(notFoundToken)} >&2; exit 127; }`
  const script = `: ${mark}; ${exported}${lookup}; exec ${quoteArgv(argv)}`
  const length = Buffer.byteLength(script)
  if (length <= LONGEST_COMMAND_LINE) return { commandLine: script, stdinPrefix: '' }
  // $(...) drops trailing newlines, a closing ":" keeps those of the last argument. dd with fullblock takes exactly its bytes and no more.
  const long = `${exported}${lookup}; exec ${quoteArgv(argv)} ;:`
  const bytes = Buffer.byteLength(long)
  return { commandLine: `: ${mark}; eval "$(dd bs=${bytes} count=1 iflag=fullblock 2>/dev/null)"`, stdinPrefix: long }
}
