import {
  type CreateOptions,
  type DeployError,
  FsError,
  type FsErrorKind,
  type RawFs,
  type RawStat,
  type ToolHost,
  type ToolPath,
} from '@host-deployer/driver-api'
import { quoteWord } from './argv.ts'
import { createBatchedShell, type ShellOutcome } from './batched-shell.ts'
import { saysLost } from './exec-errors.ts'
import { createExecFs, fsErrorKindOf } from './exec-fs.ts'
import { fileSystemPrelude } from './exec-raw-fs-prelude.ts'
import { parseStatLine } from './stat-line.ts'

export interface ExecRawFsOptions {
  /** attr's `getfattr` and `setfattr` are there. Without them no file has attributes, and setting one is `not-supported`. */
  readonly xattrs: boolean
}

const NAME_MAX = 255
const PATH_MAX = 4096
const STAT_BYTES = 8192
const LIST_BYTES = 64 * 1024 * 1024

/** What no shell needs to be asked for. */
function refuse(...paths: readonly string[]): void {
  for (const path of paths) {
    if (path.includes('\0')) throw new FsError('invalid-path', path)
    const isLong = Buffer.byteLength(path) >= PATH_MAX || path.split('/').some((name) => Buffer.byteLength(name) > NAME_MAX)
    if (isLong) throw new FsError('name-too-long', path)
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

function failure({ word, output }: ShellOutcome, path: string): FsError {
  const said = text(output).trim().slice(0, 2000)
  const kind = word === 'failed' ? fsErrorKindOf(said) : (word as FsErrorKind)
  return new FsError(kind, path, undefined, said === '' ? {} : { context: { stderr: said } })
}

function lines(output: Uint8Array, path: string, count?: number): RawStat[] {
  const found = text(output)
    .split('\0')
    .flatMap((line) => parseStatLine(line) ?? [])
  if (count !== undefined && found.length !== count) throw new FsError('io', path, `no stat could be read of ${JSON.stringify(path)}`)
  return found
}

/** `mode` with every bit said: five digits keep GNU chmod from sparing the setgid bit of a directory. */
const octal = (mode: number): string => mode.toString(8).padStart(5, '0')

/**
 * `RawFs` over `exec` alone, for tool hosts without sftp: a POSIX shell and what busybox has (`head`, `mv`, `ln`, ..., `stat` or else an `ls` that knows
 * `--full-time`). Calls that are made together share a shell. Modification times are whole seconds.
 */
export function createExecRawFs(exec: ToolHost['exec'], { xattrs }: ExecRawFsOptions): RawFs {
  const shell = createBatchedShell(exec, fileSystemPrelude)
  const run = async (path: string, command: string, words: readonly string[], maxOutputBytes = STAT_BYTES): Promise<Buffer> => {
    refuse(...words.filter((word) => word.startsWith('/')), path)
    let outcome: ShellOutcome
    try {
      outcome = await shell({ script: `${command} ${words.map(quoteWord).join(' ')}`, maxOutputBytes })
    } catch (error) {
      throw failedCall(error, path)
    }
    if (outcome.word !== 'ok') throw failure(outcome, path)
    return outcome.output
  }
  const owner = ({ uid, gid }: Pick<CreateOptions, 'uid' | 'gid'>): string => `${uid}:${gid}`
  const programs = createExecFs(exec)
  return {
    lstat: async (path) => {
      const [stat] = lines(await run(path, 'hd_lstat', [path]), path, 1)
      return stat as RawStat
    },
    readlink: async (path) => text(await run(path, 'hd_readlink', [path])),
    readdir: async (path) => {
      const output = await run(path, 'hd_readdir', [path], LIST_BYTES)
      const end = output.indexOf('\0\0')
      const names = end <= 0 ? [] : text(output.subarray(0, end)).split('\0')
      const stats = lines(output.subarray(end + 2), path, names.length)
      return names.map((name, index) => ({ name: name.slice(name.lastIndexOf('/') + 1), stat: stats[index] as RawStat }))
    },
    readFile: async (path, { maxBytes }) => {
      const content = await run(path, 'hd_read', [path, String(maxBytes + 1)], maxBytes + 1 + STAT_BYTES)
      if (content.length > maxBytes) throw new FsError('too-large', path, undefined, { context: { maxBytes } })
      return new Uint8Array(content)
    },
    createFile: async (path, content, options) => {
      refuse(path)
      const script = `${fileSystemPrelude}\nr=ok\nhd_create "$@"\nprintf ' %s' "$r"\n`
      const argv = ['sh', '-c', script, 'sh', path, octal(options.mode), owner(options)] as const
      const { stdout } = await exec(argv, { stdin: content }).catch((error: unknown) => {
        throw failedCall(error, path)
      })
      const said = text(stdout)
      const word = said.slice(said.lastIndexOf(' ') + 1)
      if (word !== 'ok')
        throw failure({ word: word === '' ? 'failed' : word, output: Buffer.from(said.slice(0, said.lastIndexOf(' '))) }, path)
    },
    rename: async (from, to) => void (await run(from, 'hd_rename', [from, to])),
    mkdir: async (path, options) => void (await run(path, 'hd_mkdir', [path, octal(options.mode), owner(options)])),
    symlink: async (target, path, options) => {
      if (target.includes('\0')) throw new FsError('invalid-path', path)
      await run(path, 'hd_symlink', [path, owner(options), `:${target}`])
    },
    unlink: async (path) => void (await run(path, 'hd_unlink', [path])),
    rmdir: async (path) => void (await run(path, 'hd_rmdir', [path])),
    chmod: async (path, mode) => void (await run(path, 'hd_chmod', [path, octal(mode)])),
    chown: async (path, uid, gid) => void (await run(path, 'hd_chown', [path, owner({ uid, gid })])),
    ...programs,
    ...(xattrs ? {} : withoutXattrs),
  }
}

function failedCall(error: unknown, path: string): DeployError {
  if (saysLost(error)) return error
  return new FsError('io', path, error instanceof Error ? error.message : undefined, { cause: error })
}

const withoutXattrs: Pick<RawFs, 'getXattrs' | 'setXattrs'> = {
  getXattrs: async (paths) => paths.map(() => new Map()),
  async setXattrs(changes) {
    const first = changes.find(({ attributes }) => attributes.size > 0)
    if (first === undefined) return
    throw new FsError('not-supported', first.path as ToolPath, 'the tool host has no setfattr', {
      hint: 'Use an appliance that has the tools of the package attr.',
    })
  },
}
