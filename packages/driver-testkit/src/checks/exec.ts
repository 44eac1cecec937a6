import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict'
import type { ExecOptions, ExecResult } from '@host-deployer/driver-api'
import { defineChecks } from '../check.ts'
import { text } from '../device-tools.ts'
import { codeOf } from '../expect-error.ts'
import type { TestBed } from '../test-bed.ts'

const exec = async (bed: TestBed, argv: readonly [string, ...string[]], options?: ExecOptions): Promise<ExecResult> =>
  (await bed.session()).toolHost.exec(argv, options)

/** Every byte value, in every alignment. */
const bytesOf = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => (i * 31 + (i >> 8)) % 256)

/** Programs on the tool host. */
export const execChecks = defineChecks('exec', {
  'argv-exact': {
    title: 'arguments arrive byte for byte, no shell looks at them',
    async run(bed) {
      const quotes = ["'", '"', '`id`', "it's", '\\', "'\\''"]
      const shell = ['$HOME', '$(id)', ';', '&', '|', '>', '*', '~', '#', '{a,b}', '-n', '--', '=']
      const odd = ['', ' ', '\n', 'a\nb\n', '\t', '\u00fc', '\u{1f600}', '\u65e5\u672c', '%s', '\x01', '\x7f']
      const words = [...quotes, ...shell, ...odd]
      strictEqual(text((await exec(bed, ['printf', '[%s]', ...words])).stdout), words.map((word) => `[${word}]`).join(''))
    },
  },
  'many-arguments': {
    title: 'a thousand arguments, and standard input with them',
    async run(bed) {
      const words = Array.from({ length: 1000 }, (_, i) => `argument ${i}\n`)
      const { stdout } = await exec(bed, ['sh', '-c', 'printf %s "$@"; cat', 'sh', ...words], { stdin: 'end' })
      strictEqual(text(stdout), `${words.join('')}end`)
    },
  },
  'binary-output': {
    title: 'output is bytes: every value comes through on both streams',
    async run(bed) {
      const bytes = bytesOf(200_000)
      const [out, err] = [await exec(bed, ['cat'], { stdin: bytes }), await exec(bed, ['sh', '-c', 'cat >&2'], { stdin: bytes })]
      strictEqual(Buffer.compare(out.stdout, bytes), 0, 'standard output')
      strictEqual(Buffer.compare(err.stderr, bytes), 0, 'standard error')
    },
  },
  'stdin-1-mib': {
    title: 'a mebibyte of standard input arrives whole, and its end with it',
    async run(bed) {
      const bytes = bytesOf(1024 * 1024)
      const { stdout, exitCode } = await exec(bed, ['cat'], { stdin: bytes })
      strictEqual(exitCode, 0)
      strictEqual(stdout.length, bytes.length)
      strictEqual(Buffer.compare(stdout, bytes), 0)
    },
  },
  'stdin-empty': {
    title: 'without stdin, standard input is empty and not somebody\u2019s terminal',
    async run(bed) {
      const { stdout, exitCode } = await exec(bed, ['cat'], { timeoutMs: 20_000 })
      deepStrictEqual([exitCode, stdout.length], [0, 0])
    },
  },
  'stdin-unread': {
    title: 'a program may end without reading its input',
    async run(bed) {
      strictEqual((await exec(bed, ['true'], { stdin: bytesOf(300_000) })).exitCode, 0)
    },
  },
  'exit-code': {
    title: 'a failed program is a result with its code and what it wrote',
    async run(bed) {
      for (const code of [1, 126, 127, 255]) {
        const { exitCode, signal, stdout, stderr } = await exec(bed, ['sh', '-c', `echo out; echo err >&2; exit ${code}`])
        deepStrictEqual([exitCode, signal, text(stdout), text(stderr)], [code, null, 'out\n', 'err\n'])
      }
    },
  },
  signal: {
    title: 'a program that a signal ended is a result with its name',
    async run(bed) {
      const { exitCode, signal } = await exec(bed, ['sh', '-c', 'kill -SEGV $$'])
      deepStrictEqual([exitCode, signal], [null, 'SIGSEGV'])
    },
  },
  environment: {
    title: 'the environment is PATH, the C locale and what the call adds, nothing of ours',
    async run(bed) {
      process.env['CANARY_OF_THE_KIT'] = 'secret'
      const { stdout } = await exec(bed, ['env'], { env: { EXTRA: "it's $HOME" } }).finally(() => {
        delete process.env['CANARY_OF_THE_KIT']
      })
      match(text(stdout), /^EXTRA=it's \$HOME$/m)
      match(text(stdout), /^LC_ALL=C$/m)
      match(text(stdout), /^PATH=/m)
      ok(!text(stdout).includes('CANARY_OF_THE_KIT'), 'our environment leaks')
    },
  },
  'not-found': {
    title: 'a program that is not there: EXEC_NOT_FOUND',
    async run(bed) {
      strictEqual(await codeOf(exec(bed, ['no-such-program'])), 'EXEC_NOT_FOUND')
      strictEqual(await codeOf(exec(bed, ['/no/such/program', 'x'])), 'EXEC_NOT_FOUND')
    },
  },
  nul: {
    title: 'NUL in an argument is a TypeError, not a shorter argument',
    run: (bed) => rejects(exec(bed, ['echo', 'a\0b']), TypeError),
  },
  parallel: {
    title: 'forty programs at once, each with its own output',
    async run(bed) {
      const results = await Promise.all(Array.from({ length: 40 }, (_, i) => exec(bed, ['echo', String(i)])))
      deepStrictEqual(
        results.map(({ stdout }) => text(stdout)),
        results.map((_, i) => `${i}\n`),
      )
    },
  },
})
