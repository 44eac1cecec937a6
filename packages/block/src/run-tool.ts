import { BlockError, type ExecOptions, type ToolHost } from '@host-deployer/driver-api'

type Argv = readonly [string, ...string[]]

export interface ToolOutcome {
  readonly ok: boolean
  readonly stdout: string
  /** What the tool said went wrong, one line, control characters removed; the exit code when it said nothing. */
  readonly reason: string
}

// What a tool prints may quote names from the disk: terminal escapes do not belong into a message.
const oneLine = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '')
    .trim()
    .slice(0, 600)

/** Runs a tool whose failure its caller looks into. Rejects only for what `exec` rejects for. */
export async function tryTool(toolHost: ToolHost, argv: Argv, options: ExecOptions = {}): Promise<ToolOutcome> {
  const result = await toolHost.exec(argv, { timeoutMs: 120_000, ...options })
  const said = oneLine(new TextDecoder().decode(result.stderr))
  const ended = result.signal === null ? `exit code ${result.exitCode}` : `killed by ${result.signal}`
  return { ok: result.exitCode === 0, stdout: new TextDecoder().decode(result.stdout), reason: said || `${argv[0]}: ${ended}` }
}

/** Runs a tool that has to succeed and returns what it printed. `BlockError` with the given code otherwise. */
export async function runTool(
  toolHost: ToolHost,
  code: string,
  argv: Argv,
  options: ExecOptions & { hint?: string } = {},
): Promise<string> {
  const { hint, ...execOptions } = options
  const { ok, stdout, reason } = await tryTool(toolHost, argv, execOptions)
  if (!ok) throw new BlockError(code, `${argv[0]} failed: ${reason}`, { context: { argv }, ...(hint === undefined ? {} : { hint }) })
  return stdout
}
