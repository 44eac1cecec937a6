import { FsError, type FsErrorKind, type RawFs, type ToolHost, type ToolPath, type XattrChange } from '@host-deployer/driver-api'
import { parseXattrDump, renderXattrDump } from './xattr-dump.ts'

/** The primitives no file API offers, on programs alone: attr's `getfattr` and `setfattr`, `xargs -0`, `sync -f`. */
export type ExecFs = Pick<RawFs, 'getXattrs' | 'setXattrs' | 'syncfs'>

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

// The C locale's strerror texts (LC_ALL=C is part of every tool host).
const reasons: readonly (readonly [string, FsErrorKind])[] = [
  ['Operation not supported', 'not-supported'],
  ['No such file or directory', 'not-found'],
  ['Not a directory', 'not-a-directory'],
  ['Permission denied', 'permission-denied'],
  ['Operation not permitted', 'permission-denied'],
  ['Read-only file system', 'read-only'],
  ['No space left on device', 'no-space'],
  ['File name too long', 'name-too-long'],
  ['Directory not empty', 'not-empty'],
  ['File exists', 'already-exists'],
]

/** The kind of failure a program's message tells of; `io` when it names none. */
export function fsErrorKindOf(message: string): FsErrorKind {
  return reasons.find(([reason]) => message.includes(reason))?.[1] ?? 'io'
}

function failure(stderr: Uint8Array, paths: readonly string[]): FsError {
  const lines = text(stderr).trim()
  const kind = fsErrorKindOf(lines)
  const path = paths.find((candidate) => lines.includes(candidate)) ?? paths[0] ?? '/'
  return new FsError(kind, path, undefined, { context: { stderr: lines.slice(0, 2000) } })
}

/** Extended attributes and `syncfs(2)` by running programs: one command for a whole batch. */
export function createExecFs(exec: ToolHost['exec']): ExecFs {
  return {
    async getXattrs(paths: readonly ToolPath[]) {
      if (paths.length === 0) return []
      // Through xargs, since a batch may be longer than a command line. Every path is absolute, so none looks like an option.
      const argv = ['xargs', '-0', 'getfattr', '--absolute-names', '-h', '-d', '-m', '-', '-e', 'hex', '--'] as const
      const result = await exec(argv, { stdin: `${paths.join('\0')}\0`, maxOutputBytes: 256 * 1024 * 1024 })
      // A file system without attributes says so on stderr: that is an empty map.
      const complaints = text(result.stderr)
        .split('\n')
        .filter((line) => line !== '' && !line.includes('Operation not supported'))
      if (result.exitCode !== 0 && complaints.length > 0) throw failure(Buffer.from(complaints.join('\n')), paths)
      const dump = parseXattrDump(text(result.stdout))
      return paths.map((path) => dump.get(path) ?? new Map())
    },
    async setXattrs(changes: readonly XattrChange[]) {
      const dump = renderXattrDump(changes)
      if (dump === '') return
      const result = await exec(['setfattr', '-h', '--restore=-'], { stdin: dump })
      if (result.exitCode !== 0) {
        throw failure(
          result.stderr,
          changes.map((change) => change.path),
        )
      }
    },
    async syncfs(path: ToolPath) {
      const result = await exec(['sync', '-f', path])
      if (result.exitCode !== 0) throw failure(result.stderr, [path])
    },
  }
}
