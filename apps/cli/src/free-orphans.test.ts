import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { expect, test } from 'vitest'
import { freeOrphans } from './free-orphans.ts'

const logger = { debug() {}, info() {}, warn() {} }

// Writes a lease of a directory and is killed: `node --input-type=module -e SCRIPT JOURNAL DIRECTORY`.
const script = `
  import { createFileLeaseJournal } from '@host-deployer/driver-kit'
  const [journal, path] = process.argv.slice(1)
  await createFileLeaseJournal(journal).record({ kind: 'directory', details: { path } })
  process.kill(process.pid, 'SIGKILL')
`

test('what a killed process left is freed, what a living one holds is not', async () => {
  const base = await mkdtemp(join(tmpdir(), 'orphans-'))
  try {
    const journal = hostPath(join(base, 'leases'))
    const [left, held] = [join(base, 'session-left'), join(base, 'session-held')]
    for (const path of [left, held]) await mkdir(path)
    const child = spawnSync(process.execPath, ['--conditions=@host-deployer/source', '--input-type=module', '-e', script, journal, left], {
      cwd: import.meta.dirname,
    })
    expect(child.signal).toBe('SIGKILL')
    await createFileLeaseJournal(journal).record({ kind: 'directory', details: { path: held } })

    await freeOrphans(journal, logger)
    await expect(stat(left)).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await stat(held)).isDirectory()).toBe(true)
    expect(await readdir(journal)).toHaveLength(1)
  } finally {
    await rm(base, { recursive: true })
  }
})
