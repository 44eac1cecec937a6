import { strictEqual } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { ToolHost } from '@host-deployer/driver-api'
import { defineChecks } from '../check.ts'
import { needTool, runTool } from '../device-tools.ts'
import { codeOf } from '../expect-error.ts'
import { settled } from '../settled.ts'
import type { TestBed } from '../test-bed.ts'

// Starts itself once more in a session of its own, unless $3 says that it is the grandchild, and writes that number into a file of $2 as long as it
// lives and the directory is there. Process numbers would say less: a session may have numbers of its own.
const TREE =
  'if [ "$3" -lt 2 ]; then setsid sh -c "$1" sh "$1" "$2" $(($3 + 1)) & fi; while echo "$3" >>"$2/beats"; do sleep 0.1; done 2>/dev/null'
/** Some beats long. */
const SILENCE_MS = 400

/** A program with a child and a grandchild, both of which have left their process group, and what can be heard of them. */
async function heartbeats(toolHost: ToolHost) {
  const directory = `/tmp/driver-testkit-${randomUUID()}`
  await needTool(toolHost, 'sh', '-c', 'mkdir "$1"', 'sh', directory)
  const beats = async (): Promise<string> => (await runTool(toolHost, ['cat', `${directory}/beats`])).out
  return {
    argv: ['sh', '-c', TREE, 'sh', TREE, directory, '0'] as const,
    allStarted: () => settled(beats, (text) => ['0', '1', '2'].every((number) => text.includes(number))),
    /** The numbers of those that beat now. */
    async alive(): Promise<string> {
      const { length } = await beats()
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS))
      return [...new Set((await beats()).slice(length).replaceAll('\n', ''))].sort().join(' ')
    },
    // Renamed first: survivors may write into it just now, and cannot any more.
    end: () => runTool(toolHost, ['sh', '-c', 'mv "$1" "$1-over" && rm -r "$1-over"', 'sh', directory]),
  }
}

/** Runs a process tree under limits that end it, expects `code`, and listens for survivors. */
async function endsTree(bed: TestBed, code: string, limits: { readonly timeoutMs?: number; readonly abort?: true }): Promise<void> {
  const { toolHost } = await bed.session()
  const { argv, allStarted, alive, end } = await heartbeats(toolHost)
  const controller = new AbortController()
  const { timeoutMs } = limits
  try {
    const running = codeOf(toolHost.exec(argv, { signal: controller.signal, ...(timeoutMs !== undefined && { timeoutMs }) }))
    const heard = await allStarted()
    if (limits.abort === true) controller.abort()
    strictEqual(await running, code)
    strictEqual([...new Set(heard.replaceAll('\n', ''))].sort().join(' '), '0 1 2', 'the tree did not start in time')
    strictEqual(await settled(alive, (found) => found === '', bed.settleMs), '', 'of program, child and grandchild these live on')
  } finally {
    await end()
  }
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
      const timeoutMs = Math.round(Math.max(800, (performance.now() - before) * 20))
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
