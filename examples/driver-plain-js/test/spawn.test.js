import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { driver } from '../index.js'

let directory
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plain-js-'))
})
after(() => rm(directory, { recursive: true }))

it('where nbdfuse cannot be started, open rejects with a code, this process lives on, and nothing is left', async () => {
  const path = join(directory, 'disk.raw')
  await writeFile(path, '')
  await truncate(path, 2 ** 20)
  const { spawn } = childProcess
  // As when the machine is out of processes: starting this one program fails.
  childProcess.spawn = (program, words, options) => spawn(words.includes('nbdfuse') ? '/no/such/program' : program, words, options)
  syncBuiltinESMExports()
  try {
    const context = {
      options: { trustImages: true },
      workDirectory: directory,
      cacheDirectory: directory,
      logger: { debug() {}, info() {}, warn() {} },
      leases: createFileLeaseJournal(join(directory, 'leases')),
    }
    const request = { disks: [{ id: 'disk', access: 'read-write', chain: [{ path, format: 'raw' }] }] }
    await assert.rejects(driver.open(request, context), ({ code, hint, cleanupErrors }) => {
      assert.deepEqual([code, cleanupErrors], ['DRIVER_NBDFUSE_FAILED', []])
      return hint !== undefined
    })
  } finally {
    childProcess.spawn = spawn
    syncBuiltinESMExports()
  }
})
