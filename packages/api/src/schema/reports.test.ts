import { expect, test } from 'vitest'
import type { DeployReport, ErrorReport, FormatReport, GrowReport, ProbeReport } from '../report.ts'
import { deployReport, errorReport, formatReport, growReport, probeReport } from './reports.ts'

const facts = {
  os: {
    type: 'linux',
    distro: 'debian',
    version: '12.5',
    major: 12,
    minor: 5,
    codename: 'bookworm',
    productName: 'Debian GNU/Linux 12 (bookworm)',
    arch: 'x86_64',
    hostname: null,
    initSystem: 'systemd',
    packageFormat: 'deb',
    packageManager: 'apt',
  },
  storage: {
    partitionTable: 'gpt',
    rootDevice: '/dev/sda1',
    lvm: false,
    filesystems: [{ device: '/dev/sda1', type: 'ext4', label: null, uuid: 'x', sizeBytes: 2 ** 40, mountpoint: '/' }],
  },
  firmware: { bios: true, uefi: false },
  cloudInit: { installed: false },
} as const

const header = {
  schemaVersion: 1,
  driver: 'qemu-initramfs',
  accelerator: 'tcg',
  image: { path: '/images/disk.qcow2', format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 },
} as const

const finding = { severity: 'warning', code: 'INPUT_KEY_UNKNOWN', summary: 'left out', path: 'users[0].shel' } as const
const probe: ProbeReport = { ...header, ...facts, diagnostics: [finding], timings: { open: 4.5 } }
const deploy: DeployReport = {
  ...header,
  facts,
  dryRun: false,
  changed: true,
  cloudInit: { installed: false, mode: 'keep' },
  diff: [
    {
      path: '/etc/hostname',
      kind: 'added',
      after: { type: 'file', mode: '0644', uid: 0, gid: 0, sizeBytes: 4, sha256: 'a'.repeat(64) },
      patch: '+web',
    },
    { path: '/etc/shadow', kind: 'changed', sensitive: true },
  ],
  operations: [{ id: 'hostname', outcome: 'changed', diagnostics: [] }],
  grown: [{ kind: 'filesystem', device: '/dev/sda1', sizeBytes: 2 ** 40 }],
  loginAccount: null,
  generated: { passwords: { root: 'x' } },
  diagnostics: [],
  timings: {},
}
const format: FormatReport = { ...header, filesystem: facts.storage.filesystems[0], diagnostics: [finding], timings: { commit: 1 } }
const grow: GrowReport = {
  ...header,
  changed: true,
  steps: [
    { kind: 'partition', device: '/dev/sda1', sizeBytes: 2 ** 40 },
    { kind: 'physical-volume', device: '/dev/sda1', sizeBytes: null },
  ],
  diagnostics: [],
  timings: {},
}
const failure: ErrorReport = {
  error: { code: 'IMAGE_LOCKED', message: 'm', hint: null, phase: 'open', context: { path: '/x' }, diagnostics: [finding] },
}

test.each([
  ['probe', probeReport, probe],
  ['deploy', deployReport, deploy],
  ['format', formatReport, format],
  ['grow', growReport, grow],
  ['error', errorReport, failure],
])('a %s report', (_, schema, report) => {
  expect(schema.parse(report)).toEqual(report)
})

test.each([
  ['a key too many', { ...deploy, extra: 1 }],
  ['a key missing', { ...deploy, changed: undefined }],
  ['another version', { ...deploy, schemaVersion: 2 }],
  ['an unknown outcome', { ...deploy, operations: [{ id: 'x', outcome: 'fine', diagnostics: [] }] }],
  ['a mode that is a number', { ...deploy, diff: [{ path: '/x', kind: 'added', after: { type: 'file', mode: 420, uid: 0, gid: 0 } }] }],
])('a report with %s is refused', (_, report) => {
  expect(deployReport.safeParse(report).success).toBe(false)
})
