import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict'
import { type Group, text } from './group.ts'

const hasCode = (code: string) => (error: unknown) => (error as { readonly code?: unknown }).code === code

/** Programs on the tool host. */
export const execGroup: Group = ({ it }, fixture) => {
  const exec = (...parameters: Parameters<ReturnType<typeof fixture>['session']['toolHost']['exec']>) =>
    fixture().session.toolHost.exec(...parameters)

  it('arguments are exact, no shell looks at them', async () => {
    const words = ['', ' ', "'", '"', '$HOME', '`id`', '$(id)', '\n', '-n', '*', '\\', '\u00fc', ';', '&']
    strictEqual(text((await exec(['printf', '[%s]', ...words])).stdout), words.map((word) => `[${word}]`).join(''))
  })

  it('more arguments than one command line holds', async () => {
    const words = Array.from({ length: 1000 }, (_, i) => `argument ${i}\n`)
    strictEqual(text((await exec(['sh', '-c', 'printf %s "$@"; cat', 'sh', ...words], { stdin: 'end' })).stdout), `${words.join('')}end`)
  })

  it('standard input and output are exact bytes', async () => {
    const bytes = new Uint8Array(200_000).map((_, i) => (i * 31) % 256)
    const { stdout, exitCode } = await exec(['cat'], { stdin: bytes })
    strictEqual(exitCode, 0)
    strictEqual(Buffer.compare(stdout, bytes), 0)
  })

  it('exit code, signal and standard error are results', async () => {
    const failed = await exec(['sh', '-c', 'echo err >&2; exit 127'])
    deepStrictEqual([failed.exitCode, failed.signal, text(failed.stderr)], [127, null, 'err\n'])
    const killed = await exec(['sh', '-c', 'kill -SEGV $$'])
    deepStrictEqual([killed.exitCode, killed.signal], [null, 'SIGSEGV'])
  })

  it('the environment is its own, C locale, and what the call adds', async () => {
    const { stdout } = await exec(['env'], { env: { EXTRA: "it's" } })
    match(text(stdout), /^EXTRA=it's$/m)
    match(text(stdout), /^LC_ALL=C$/m)
    ok(!text(stdout).includes('npm_'))
  })

  it('a missing program: EXEC_NOT_FOUND', async () => {
    await rejects(exec(['no-such-program']), hasCode('EXEC_NOT_FOUND'))
    await rejects(exec(['/no/such/program']), hasCode('EXEC_NOT_FOUND'))
  })

  it('NUL in an argument: TypeError', async () => {
    await rejects(exec(['echo', 'a\0b']), TypeError)
  })

  it('timeout, abort and output limit end the whole process tree', async () => {
    const mark = `/tmp/testkit-${process.pid}`
    const tree = (file: string): [string, ...string[]] => ['sh', '-c', `setsid sh -c 'echo $$ >${file}; exec sleep 1000' & sleep 1000`]
    await rejects(exec(tree(`${mark}-1`), { timeoutMs: 1500 }), hasCode('EXEC_TIMEOUT'))
    await rejects(exec(tree(`${mark}-2`), { signal: AbortSignal.timeout(1500) }), hasCode('ABORTED'))
    await rejects(exec(['cat', '/dev/zero'], { maxOutputBytes: 100_000 }), hasCode('EXEC_OUTPUT_LIMIT'))
    // On this machine a tree that left its group may live; where the tool host is a machine of its own nothing does.
    if (!fixture().session.capabilities.isolated) return
    const { stdout } = await exec(['sh', '-c', `sleep 0.2; for f in ${mark}-*; do kill -0 $(cat $f) && echo alive; done; rm ${mark}-*`])
    strictEqual(text(stdout), '')
  })

  it('many at once', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) => exec(['echo', String(i)])))
    deepStrictEqual(
      results.map(({ stdout }) => text(stdout)),
      results.map((_, i) => `${i}\n`),
    )
  })
}
