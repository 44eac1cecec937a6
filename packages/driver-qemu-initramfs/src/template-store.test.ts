import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manifestOf } from './appliance.test-support.ts'
import type { Appliance } from './appliance-manifest.ts'
import { contextOf } from './session.test-support.ts'
import { templatePlace } from './template-store.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'template-store-'))
})
afterEach(() => rm(directory, { recursive: true }))

const file = { sha256: '0'.repeat(64), sizeBytes: 12 }

async function keyOf(manifest: Appliance['manifest']): Promise<string> {
  const [kernel, initramfs] = [hostPath(join(directory, 'kernel')), hostPath(join(directory, 'initramfs'))]
  const context = contextOf({ workDirectory: join(directory, 'work'), leaseDirectory: join(directory, 'leases'), options: {} })
  const programs = { qemu: process.execPath, setpriv: '/usr/bin/setpriv', hasQboot: false }
  const appliance = { directory: hostPath(directory), kernel, initramfs, manifest }
  return (await templatePlace({ appliance, programs, context, accelerator: 'tcg' })).key
}

test('the same bytes, installed again, have the same template; others have another', async () => {
  const key = await keyOf(manifestOf(file, file))
  const other = { ...file, sha256: '1'.repeat(64) }
  const keys = [key, await keyOf(manifestOf(other, file)), await keyOf(manifestOf(file, other))]
  expect(await keyOf(manifestOf(file, file))).toBe(key)
  expect(new Set(keys).size).toBe(3)
})
