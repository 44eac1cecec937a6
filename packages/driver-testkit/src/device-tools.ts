import { strictEqual } from 'node:assert/strict'
import type { ExecOptions, ToolHost, ToolPath } from '@host-deployer/driver-api'

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** For programs that may have to wait for a slow disk. */
const TOOL_TIMEOUT_MS = 50_000

/** What one command came to. */
export interface ToolOutcome {
  /** `null`: a signal ended it. */
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a program on a tool host, with time for a slow disk. */
export async function runTool(toolHost: ToolHost, argv: readonly [string, ...string[]], options: ExecOptions = {}): Promise<ToolOutcome> {
  const { exitCode, stdout, stderr } = await toolHost.exec(argv, { timeoutMs: TOOL_TIMEOUT_MS, ...options })
  return { code: exitCode, out: text(stdout), err: text(stderr) }
}

/** As {@link runTool}; an exit code other than 0 fails the check. */
export async function needTool(toolHost: ToolHost, ...argv: readonly [string, ...string[]]): Promise<string> {
  const { code, out, err } = await runTool(toolHost, argv)
  strictEqual(code, 0, `${argv.join(' ')}: ${err}`)
  return out
}

/** Size of a block device; `undefined` when there is no such node. */
export async function deviceSize(toolHost: ToolHost, device: string): Promise<number | undefined> {
  const { code, out } = await runTool(toolHost, ['blockdev', '--getsize64', device])
  return code === 0 ? Number(out) : undefined
}

/** The 512 bytes at `offset` of a device. */
export async function readBlock(toolHost: ToolHost, device: ToolPath, offset: number): Promise<Uint8Array> {
  const { exitCode, stdout, stderr } = await toolHost.exec(['dd', `if=${device}`, 'bs=512', `skip=${offset / 512}`, 'count=1'], {
    timeoutMs: TOOL_TIMEOUT_MS,
  })
  strictEqual(exitCode, 0, text(stderr))
  return new Uint8Array(stdout)
}

/** Writes 512 bytes at `offset` of a device and returns the exit code. Without `sync` it may be in a cache until the session is closed. */
export async function writeBlock(
  toolHost: ToolHost,
  device: ToolPath,
  offset: number,
  block: Uint8Array,
  sync = false,
): Promise<number | null> {
  const conv = sync ? 'conv=notrunc,fsync' : 'conv=notrunc'
  return (await runTool(toolHost, ['dd', `of=${device}`, 'bs=512', `seek=${offset / 512}`, conv], { stdin: block })).code
}

/** The name of a partition's node: the kernel puts a `p` after names that end in a digit. */
export const partitionNode = (device: ToolPath, number: number): string => `${device}${/\d$/.test(device) ? 'p' : ''}${number}`
