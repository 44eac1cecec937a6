import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'

/** Where programs of this machine are looked up; a driver reads no environment. */
export const PROGRAM_DIRECTORIES: readonly string[] = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** The absolute path of a program given by name or absolute path; `undefined` when there is none that may be run. */
export async function findProgram(program: string): Promise<string | undefined> {
  const candidates = program.includes('/') ? [program] : PROGRAM_DIRECTORIES.map((directory) => join(directory, program))
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK)
      return candidate
    } catch {
      // The next one.
    }
  }
  return undefined
}
