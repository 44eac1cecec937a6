import { strictEqual } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { defineChecks } from '../check.ts'
import { runTool } from '../device-tools.ts'
import { codeOf } from '../expect-error.ts'
import { settled } from '../settled.ts'
import type { TestBed } from '../test-bed.ts'

// Writes its number to the file $2, starts itself once more unless $3 says that it is the grandchild, and sleeps. $4 is put before the command.
const TREE = 'echo $$ >>"$2"; if [ "$3" -lt 2 ]; then $4 sh -c "$1" sh "$1" "$2" $(($3 + 1)) "$4" & fi; exec sleep 3600'

/**
 * A program with a child and a grandchild, which write their numbers to `file`. Where the tool host is a machine of its own they leave their process
 * group: no survivor is acceptable there. On this machine they stay in it.
 */
const tree = (file: string, isolated: boolean): readonly [string, ...string[]] => [
  'sh',
  '-c',
  TREE,
  'sh',
  TREE,
  file,
  '0',
  isolated ? 'setsid' : '',
]

// Of the processes named, those that run; a zombie does not.
const ALIVE = 'for p; do case "$(cut -d" " -f3 /proc/$p/stat 2>/dev/null)" in ""|Z|X) ;; *) echo "$p" ;; esac; done'

/** Runs a process tree under limits that end it, expects `code`, and looks for survivors. */
async function endsTree(bed: TestBed, code: string, limits: { readonly timeoutMs?: number; readonly abort?: true }): Promise<void> {
  const { toolHost, capabilities } = await bed.session()
  const file = `/tmp/driver-testkit-${randomUUID()}`
  const controller = new AbortController()
  const numbers = async (): Promise<string[]> => (await runTool(toolHost, ['cat', file])).out.split('\n').filter((line) => line !== '')
  const running = codeOf(
    toolHost.exec(tree(file, capabilities.isolated), {
      signal: controller.signal,
      ...(limits.timeoutMs !== undefined && { timeoutMs: limits.timeoutMs }),
    }),
  )
  const pids = await settled(numbers, ({ length }) => length === 3)
  if (limits.abort === true) controller.abort()
  strictEqual(await running, code)
  strictEqual(pids.length, 3, 'the tree did not start in time')
  const alive = async (): Promise<string> => (await runTool(toolHost, ['sh', '-c', ALIVE, 'sh', ...pids])).out
  const survivors = await settled(alive, (found) => found === '', 2_000)
  await runTool(toolHost, [
    'sh',
    '-c',
    'rm -f "$1"; shift; for p; do kill -9 "$p"; done',
    'sh',
    file,
    ...survivors.split('\n').filter(Boolean),
  ])
  strictEqual(survivors, '', 'processes survived')
}

/** Programs that are not allowed to go on. */
export const execLimitChecks = defineChecks('exec', {
  'timeout-kills-tree': {
    title: 'a timeout ends the program and everything it started: EXEC_TIMEOUT',
    async run(bed) {
      const { toolHost } = await bed.session()
      const before = performance.now()
      await runTool(toolHost, ['true'])
      // Time for three shells to start on a slow tool host.
      const timeoutMs = Math.round(Math.max(400, (performance.now() - before) * 20))
      await endsTree(bed, 'EXEC_TIMEOUT', { timeoutMs: Math.min(timeoutMs, 10_000) })
    },
  },
  'abort-kills-tree': {
    title: 'a signal ends the program and everything it started: ABORTED',
    run: (bed) => endsTree(bed, 'ABORTED', { abort: true }),
  },
  'abort-before': {
    title: 'with a signal that has fired already nothing runs',
    async run(bed) {
      const { toolHost } = await bed.session()
      const file = `/tmp/driver-testkit-${randomUUID()}`
      strictEqual(await codeOf(toolHost.exec(['touch', file], { signal: AbortSignal.abort() })), 'ABORTED')
      strictEqual((await runTool(toolHost, ['ls', file])).code === 0, false, 'it ran')
    },
  },
  'output-limit': {
    title: 'a program that writes without end is ended: EXEC_OUTPUT_LIMIT on both streams',
    async run(bed) {
      const { toolHost } = await bed.session()
      const endless = 'cat /dev/zero'
      strictEqual(await codeOf(toolHost.exec(['sh', '-c', endless], { maxOutputBytes: 100_000, timeoutMs: 30_000 })), 'EXEC_OUTPUT_LIMIT')
      strictEqual(
        await codeOf(toolHost.exec(['sh', '-c', `${endless} >&2`], { maxOutputBytes: 100_000, timeoutMs: 30_000 })),
        'EXEC_OUTPUT_LIMIT',
      )
    },
  },
  'output-below-limit': {
    title: 'output of exactly the limit is a result',
    async run(bed) {
      const { toolHost } = await bed.session()
      const { stdout } = await toolHost.exec(['head', '-c', '100000', '/dev/zero'], { maxOutputBytes: 100_000 })
      strictEqual(stdout.length, 100_000)
    },
  },
})
