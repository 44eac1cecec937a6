import { ok, strictEqual } from 'node:assert/strict'
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
// What has been heard, before and after as much time as several beats take there: where programs start slowly, they do for all.
const LISTEN = 'cat "$1"; for beat in 1 2 3 4 5; do sleep 0.1; done; echo -; cat "$1"'
const ALL = '0 1 2'

const numbersIn = (beats: string): string => [...new Set(beats.replaceAll('\n', ''))].sort().join(' ')

/** A program with a child and a grandchild, both of which have left their process group, and what can be heard of them. */
async function heartbeats(toolHost: ToolHost) {
  const directory = `/tmp/driver-testkit-${randomUUID()}`
  await needTool(toolHost, 'sh', '-c', 'mkdir "$1"', 'sh', directory)
  return {
    argv: ['sh', '-c', TREE, 'sh', TREE, directory, '0'] as const,
    /** The numbers of those that have beaten so far. */
    heard: async (): Promise<string> => numbersIn((await runTool(toolHost, ['cat', `${directory}/beats`])).out),
    /** The numbers of those that beat now. */
    async alive(): Promise<string> {
      const { out } = await runTool(toolHost, ['sh', '-c', LISTEN, 'sh', `${directory}/beats`])
      const [before = '', after = ''] = out.split('-\n')
      return numbersIn(after.slice(before.length))
    },
    // Renamed first: survivors may write into it just now, and cannot any more.
    end: () => runTool(toolHost, ['sh', '-c', 'mv "$1" "$1-over" && rm -r "$1-over"', 'sh', directory]),
  }
}

/**
 * Runs a process tree until the timeout, or without one a signal once all of it runs, ends it, expects `code`, and listens for survivors. Whether all of it
 * had started by then.
 */
async function endsTree(bed: TestBed, code: string, timeoutMs?: number): Promise<boolean> {
  const { toolHost } = await bed.session()
  const { argv, heard, alive, end } = await heartbeats(toolHost)
  const controller = new AbortController()
  try {
    let isOver = false
    const options = { signal: controller.signal, ...(timeoutMs !== undefined && { timeoutMs }) }
    const running = codeOf(toolHost.exec(argv, options)).finally(() => {
      isOver = true
    })
    if (timeoutMs === undefined) {
      await settled(heard, (found) => isOver || found === ALL)
      controller.abort()
    }
    strictEqual(await running, code)
    const wasComplete = (await heard()) === ALL
    strictEqual(await settled(alive, (found) => found === '', bed.settleMs), '', 'of program, child and grandchild these live on')
    return wasComplete
  } finally {
    await end()
  }
}

/** Programs that are not allowed to go on. */
export const execLimitChecks = defineChecks('exec', {
  'timeout-kills-tree': {
    title: 'a timeout ends the program and everything it started: EXEC_TIMEOUT',
    timeoutMs: 110_000,
    async run(bed) {
      // A timeout that comes before three shells have started proves too little: then it is given longer.
      let [timeoutMs, wasComplete] = [800, false]
      for (; !wasComplete && timeoutMs < 30_000; timeoutMs *= 3) wasComplete = await endsTree(bed, 'EXEC_TIMEOUT', timeoutMs)
      ok(wasComplete, 'the tree did not start in time')
    },
  },
  'abort-kills-tree': {
    title: 'a signal ends the program and everything it started: ABORTED',
    run: async (bed) => ok(await endsTree(bed, 'ABORTED'), 'the tree did not start in time'),
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
