import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('appliance warm takes options of the driver', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'warm-'))
  try {
    const config = join(directory, 'driver.json')
    await writeFile(config, JSON.stringify({ template: 'off' }))
    const node = ['--conditions=@host-deployer/source', join(import.meta.dirname, '../main.ts')]
    const { stdout } = await promisify(execFile)(process.execPath, [...node, 'appliance', 'warm', '--driver-config', config, '--json'], {
      env: { ...process.env, TMPDIR: directory, XDG_CACHE_HOME: directory, XDG_STATE_HOME: directory },
    })
    expect(JSON.parse(stdout)).toMatchObject({ driver: 'qemu-initramfs', outcome: 'nothing' })
  } finally {
    await rm(directory, { recursive: true })
  }
})
