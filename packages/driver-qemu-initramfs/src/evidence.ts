import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostPath } from '@host-deployer/driver-api'

const MAX_BYTES = 4 * 1024 * 1024

/** What one VM said and was told, kept in memory until somebody wants it. None of it is secret: keys travel in the initramfs alone. */
export interface Evidence {
  console(chunk: Uint8Array): void
  qmp(direction: '<' | '>', line: string): void
  commandLine(argv: readonly string[]): void
  /** Writes it all into a new directory `failed-*` below `directory` and returns that. */
  keep(directory: HostPath, stderr: string): Promise<string>
}

/** An empty {@link Evidence}; `undefined` fields of a session that keeps nothing cost nothing. */
export function createEvidence(enabled: boolean): Evidence {
  const consoleChunks: Buffer[] = []
  let consoleBytes = 0
  const qmpLines: string[] = []
  let argv: readonly string[] = []
  return {
    console(chunk) {
      if (!enabled || consoleBytes > MAX_BYTES) return
      consoleBytes += chunk.length
      consoleChunks.push(Buffer.from(chunk))
    },
    qmp(direction, line) {
      if (enabled && qmpLines.length < 10_000) qmpLines.push(`${direction} ${line}\n`)
    },
    commandLine(words) {
      argv = words
    },
    async keep(directory, stderr) {
      const path = await mkdtemp(join(directory, 'failed-'))
      await Promise.all([
        writeFile(join(path, 'console.log'), Buffer.concat(consoleChunks)),
        writeFile(join(path, 'qmp.log'), qmpLines.join('')),
        writeFile(join(path, 'qemu.json'), `${JSON.stringify({ argv, stderr }, undefined, 2)}\n`),
      ])
      return path
    },
  }
}
