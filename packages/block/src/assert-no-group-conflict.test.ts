import { type ToolHost, toolPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { assertNoGroupConflict, otherGroupsArgv, parseGroups } from './assert-no-group-conflict.ts'

test('the disks of the session and their partitions are left out, and no others', () => {
  const config = otherGroupsArgv([toolPath('/dev/nbd1'), toolPath('/dev/sdb')])[4] ?? ''
  const rejected = [...config.matchAll(/"r\|([^|]*\(.*?\)[^|]*)\|"/g)].map(([, pattern = '']) => pattern)
  // The alternatives of the first pattern hold the separator themselves.
  const isLeftOut = (path: string) => [...rejected, '^/dev/(disk|block)/'].some((pattern) => new RegExp(pattern).test(path))
  for (const path of ['/dev/nbd1', '/dev/nbd1p1', '/dev/nbd1p12', '/dev/sdb', '/dev/sdb3', '/dev/disk/by-id/x'])
    expect(isLeftOut(path), path).toBe(true)
  for (const path of ['/dev/nbd10', '/dev/nbd10p1', '/dev/nbd2', '/dev/sda', '/dev/sdbb', '/dev/mapper/nbd1'])
    expect(isLeftOut(path), path).toBe(false)
})

const reportOf = (...rows: readonly (readonly [name: string, uuid: string, physicalVolume: string])[]): string =>
  JSON.stringify({ report: [{ vg: rows.map(([name, uuid, device]) => ({ vg_name: name, vg_uuid: uuid, pv_name: device })) }] })

test('groups are read from the report, none from an empty one', () => {
  expect(parseGroups(reportOf(['vg0', 'a-b', '/dev/sda2']))).toEqual([{ name: 'vg0', uuid: 'a-b', physicalVolume: '/dev/sda2' }])
  expect(parseGroups(reportOf())).toEqual([])
})

function machineWith(output: string): ToolHost {
  const bytes = new TextEncoder().encode(output)
  const none = new Uint8Array()
  return { exec: async () => ({ exitCode: 0, signal: null, stdout: bytes, stderr: none }), fs: {} as ToolHost['fs'] }
}

test.each([
  ["this machine's own", [['vg0', 'x', '/dev/sda2']], 'never'],
  ["another session's", [['vg0', 'x', '/dev/nbd3p2']], 'may-help'],
  ["another session's, by uuid", [['vg1', 'u', '/dev/loop7']], 'may-help'],
  [
    'on both',
    [
      ['vg0', 'x', '/dev/nbd3p2'],
      ['vg0', 'x', '/dev/sdb'],
    ],
    'never',
  ],
] as const)('a group that is there already, %s: an error that says where, and whether to try again', async (_, rows, retry) => {
  const attempt = assertNoGroupConflict(machineWith(reportOf(['other', 'y', '/dev/sdc'], ...rows)), [], [{ name: 'vg0', uuid: 'u' }])
  await expect(attempt).rejects.toMatchObject({
    code: 'BLOCK_VG_CONFLICT',
    retry,
    context: { physicalVolumes: rows.map(([, , device]) => device) },
  })
})
