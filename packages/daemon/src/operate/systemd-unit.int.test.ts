import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const packaging = join(import.meta.dirname, '../../../../packaging/systemd')
const units = '/usr/lib/systemd/system'
const name = 'host-deployer.service'
const analyze = promisify(execFile)

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hd-unit-'))
  await mkdir(join(root, units), { recursive: true })
  await mkdir(join(root, 'usr/bin'))
  await mkdir(join(root, 'usr/sbin'))
  await symlink('usr/sbin', join(root, 'sbin'))
  await cp(units, join(root, units), { recursive: true, verbatimSymlinks: true })
  await cp(join(packaging, name), join(root, units, name))
  for (const program of ['usr/bin/host-deployer', 'usr/sbin/modprobe']) await cp('/bin/true', join(root, program))
})
afterEach(() => rm(root, { recursive: true }))

const withNbd = async () => {
  const directory = join(root, 'etc/systemd/system', `${name}.d`)
  await mkdir(directory, { recursive: true })
  await cp(join(packaging, 'host-deployer-nbd.conf'), join(directory, 'nbd.conf'))
}

/** What systemd has to say against it; of other units it says things, too. */
async function complaints(): Promise<string[]> {
  const { stderr } = await analyze('systemd-analyze', ['verify', '--man=no', `--root=${root}`, name])
  return stderr.split('\n').filter((line) => line.includes('host-deployer') || line.includes('nbd.conf'))
}

/** From 0, best, to 10. */
async function exposure(): Promise<number> {
  const { stdout } = await analyze('systemd-analyze', ['security', '--offline=true', '--json=short', `--root=${root}`, name])
  const rows = JSON.parse(stdout) as readonly { readonly exposure?: string | null }[]
  expect(rows.length).toBeGreaterThan(50)
  const { stdout: text } = await analyze('systemd-analyze', ['security', '--offline=true', `--root=${root}`, name])
  return Number(/exposure level for \S+: ([\d.]+)/.exec(text)?.[1])
}

test('systemd takes the unit as it is, and it is confined', async () => {
  expect(await complaints()).toEqual([])
  expect(await exposure()).toBeLessThanOrEqual(2.5)
})

test('and with the drop-in for nbd', async () => {
  await withNbd()
  expect(await complaints()).toEqual([])
  expect(await exposure()).toBeLessThanOrEqual(4.6)
})
