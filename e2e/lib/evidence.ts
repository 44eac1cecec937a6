import { appendFile, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** A run of the command: what it was asked and what it said. */
export interface CommandRun {
  readonly args: readonly string[]
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

// Of one test file: vitest loads these modules anew for each.
const directories = new Set<string>()
const runs: CommandRun[] = []
const traces = new Set<string>()

let inTestFile = false

/** From now on directories wait for {@link settleEvidence}. */
export function startCollecting(): void {
  inTestFile = true
}

export const isTestFile = (): boolean => inTestFile

/** A directory of a test file: it goes when the tests are through, and stays when one of them failed. */
export function keepOnFailure(directory: string): void {
  directories.add(directory)
}

/** Gives a directory up: in a test file that waits for the end, elsewhere it goes now. */
export async function discard(directory: string): Promise<void> {
  if (!inTestFile) await rm(directory, { recursive: true, force: true })
}

export function rememberRun(run: CommandRun): void {
  runs.push(run)
}

/** A directory that `--keep-on-failure` made and named. */
export function rememberTraces(directory: string): void {
  traces.add(directory)
}

/**
 * At the end of a test file. When something failed, its directories stay (images, which are overlays for the most part, consoles and QMP traces of
 * booted guests), with every command's report and the kept traces in the first; each is named on the console and in the file
 * `HOST_DEPLOYER_E2E_KEPT`. Else they go.
 */
export async function settleEvidence(failed: boolean): Promise<void> {
  if (!failed) {
    // Processes that a test has killed may still be about to end.
    for (const directory of directories) await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
    return
  }
  const [first = await mkdtemp(join(tmpdir(), 'hd-e2e-'))] = directories
  directories.add(first)
  await writeFile(join(first, 'commands.json'), `${JSON.stringify(runs, undefined, 2)}\n`)
  for (const path of traces) {
    // The test may have looked at it and removed it.
    await cp(path, join(first, basename(path)), { recursive: true }).catch(() => {})
    await rm(path, { recursive: true, force: true })
  }
  const lines: string[] = []
  for (const directory of directories) {
    const names = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
    const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
    if (files.length > 0) lines.push(directory, ...files.map((path) => `  ${path.slice(directory.length + 1)}`))
  }
  const text = `${lines.join('\n')}\n`
  console.log(`kept for a look:\n${text}`)
  const list = process.env['HOST_DEPLOYER_E2E_KEPT']
  if (list !== undefined) await appendFile(list, text)
}
