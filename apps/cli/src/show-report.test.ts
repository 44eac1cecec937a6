import { stripVTControlCharacters } from 'node:util'
import type { DeployReport } from '@host-deployer/api'
import { expect, test } from 'vitest'
import { showDeploy } from './show-report.ts'

const gibibyte = 2 ** 30
const report: DeployReport = {
  schemaVersion: 1,
  driver: 'qemu-initramfs',
  accelerator: 'tcg',
  image: { path: '/images/a.qcow2', format: 'qcow2', virtualSizeBytes: 10 * gibibyte },
  facts: {
    os: {
      type: 'linux',
      distro: 'debian',
      version: '12',
      major: 12,
      minor: 11,
      codename: 'bookworm',
      productName: 'Debian GNU/Linux 12 (bookworm)',
      arch: 'x86_64',
      hostname: 'localhost',
      initSystem: 'systemd',
      packageFormat: 'deb',
      packageManager: 'apt',
    },
    storage: { partitionTable: 'gpt', rootDevice: '/dev/sda1', lvm: false, filesystems: [] },
    firmware: { bios: true, uefi: true },
    cloudInit: { installed: true },
  },
  dryRun: false,
  changed: true,
  cloudInit: { installed: true, mode: 'keep' },
  diff: [],
  operations: [{ id: 'grow', outcome: 'changed', diagnostics: [] }],
  grown: [
    { kind: 'partition', device: '/dev/sda1', sizeBytes: 9.5 * gibibyte },
    { kind: 'filesystem', device: '/dev/sda1', sizeBytes: 9.5 * gibibyte },
  ],
  loginAccount: null,
  generated: { passwords: {} },
  diagnostics: [],
  timings: {},
}

const lastLine = (shown: DeployReport) => stripVTControlCharacters(showDeploy(shown, [])).trimEnd().split('\n').at(-1)

test('a deploy that only grows says what grew and to which size, and nothing of paths', () => {
  for (const shown of [lastLine(report), lastLine({ ...report, dryRun: true })]) {
    expect(shown).toContain('/dev/sda1')
    expect(shown).toContain('9.50 GiB')
    expect(shown).not.toContain('path')
  }
})

test('one that changes files, too, says both; one that only does that, nothing of sizes', () => {
  const diff = [{ path: '/etc/hostname', kind: 'changed' }] as const
  expect(lastLine({ ...report, diff })).toMatch(/1 path .*9\.50 GiB/)
  expect(lastLine({ ...report, diff, grown: [] })).not.toContain('GiB')
})
