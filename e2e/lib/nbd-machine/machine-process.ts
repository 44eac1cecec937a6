import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { reclaim } from '@host-deployer/driver-kit'
import { options } from './machine-bed.ts'
import type { Numbers } from './machine-report.ts'

/** The words that start this program of Node so that it sees these numbers. */
export function nodeWords(numbers: Numbers, ...words: readonly string[]): [string, ...string[]] {
  const unshare = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', '--']
  return [...(numbers === 'own' ? unshare : []), process.execPath, ...words] as [string, ...string[]]
}

/** Runs session-process.ts, and is there when it has said its first word. */
export async function startProcess(
  numbers: Numbers,
  directory: string,
  ...words: readonly string[]
): Promise<{ readonly process: ChildProcess; readonly word: string }> {
  const program = [join(import.meta.dirname, 'session-process.mjs'), directory, JSON.stringify(options), ...words]
  const [file, ...rest] = nodeWords(numbers, ...program)
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  // Not its exit: that may be seen before what it has said.
  const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
  return { process: child, word: Buffer.isBuffer(said) ? said.toString().trim() : `ended with ${said}` }
}

/** For each directory, the codes of a reclaim by a process that sees these numbers. It takes a second to start one here: one does them all, at once. */
export async function reclaimCodes(numbers: Numbers, directories: readonly string[]): Promise<string[][]> {
  if (numbers === 'machine') {
    const outcomes = await Promise.all(directories.map((directory) => reclaim(hostPath(join(directory, 'leases')))))
    return outcomes.map((outcome) => outcome.map(({ code }) => code))
  }
  const [first = '', ...more] = directories
  const { process: child, word } = await startProcess(numbers, first, 'reclaim', ...more)
  if (child.exitCode === null) await once(child, 'exit')
  return JSON.parse(word) as string[][]
}
