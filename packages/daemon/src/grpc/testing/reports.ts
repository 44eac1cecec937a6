import type { DeployReport, Facts, FormatReport, GrowReport, ProbeReport } from '@host-deployer/api'

export const facts: Facts = {
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
}

const base = {
  schemaVersion: 1 as const,
  driver: 'none',
  accelerator: 'none',
  image: { path: '/images/a.qcow2', format: 'qcow2', virtualSizeBytes: 1 },
  diagnostics: [],
  timings: {},
}

export const probeReport: ProbeReport = { ...base, ...facts }
export const growReport: GrowReport = { ...base, changed: true, steps: [] }
export const formatReport: FormatReport = {
  ...base,
  filesystem: { device: '/dev/sda1', type: 'ext4', label: null, uuid: null, sizeBytes: 1, mountpoint: null },
}
export const deployReport = (loginAccount: string | null): DeployReport => ({
  ...base,
  facts,
  dryRun: false,
  changed: true,
  cloudInit: { installed: true, mode: 'keep' },
  diff: [],
  operations: [],
  grown: [],
  loginAccount,
  generated: { passwords: {} },
})
