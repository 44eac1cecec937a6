import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { reclaim } from '@host-deployer/driver-kit'
import { options } from './machine-bed.ts'
import type { Numbers } from './machine-report.ts'

/** Runs session-process.ts, and is there when it has said its first word. */
export async function startProcess(
  numbers: Numbers,
  directory: string,
  ...words: readonly string[]
): Promise<{ readonly process: ChildProcess; readonly word: string }> {
  const unshare = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', '--']
  const program = [process.execPath, join(import.meta.dirname, 'session-process.mjs'), directory, JSON.stringify(options), ...words]
  const [file = '', ...rest] = [...(numbers === 'own' ? unshare : []), ...program]
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  return { process: child, word: Buffer.isBuffer(said) ? said.toString().trim() : `ended with ${said}` }
}

/** The codes of a reclaim by a process that sees these numbers. */
export async function reclaimCodes(numbers: Numbers, directory: string): Promise<string[]> {
  if (numbers === 'machine') return (await reclaim(hostPath(join(directory, 'leases')))).map(({ code }) => code)
  const { process: child, word } = await startProcess(numbers, directory, 'reclaim')
  if (child.exitCode === null) await once(child, 'exit')
  return JSON.parse(word) as string[]
}
