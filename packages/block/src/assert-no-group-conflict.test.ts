import { toolPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { otherGroupsArgv, parseGroups } from './assert-no-group-conflict.ts'

test('the disks of the session and their partitions are left out, and no others', () => {
  const config = otherGroupsArgv([toolPath('/dev/nbd1'), toolPath('/dev/sdb')])[3] ?? ''
  const rejected = [...config.matchAll(/"r\|([^|]*\(.*?\)[^|]*)\|"/g)].map(([, pattern = '']) => pattern)
  // The alternatives of the first pattern hold the separator themselves.
  const isLeftOut = (path: string) => [...rejected, '^/dev/(disk|block)/'].some((pattern) => new RegExp(pattern).test(path))
  for (const path of ['/dev/nbd1', '/dev/nbd1p1', '/dev/nbd1p12', '/dev/sdb', '/dev/sdb3', '/dev/disk/by-id/x'])
    expect(isLeftOut(path), path).toBe(true)
  for (const path of ['/dev/nbd10', '/dev/nbd10p1', '/dev/nbd2', '/dev/sda', '/dev/sdbb', '/dev/mapper/nbd1'])
    expect(isLeftOut(path), path).toBe(false)
})

test('groups are read from the report, none from an empty one', () => {
  expect(parseGroups('{"report":[{"vg":[{"vg_name":"vg0","vg_uuid":"a-b"}]}]}')).toEqual([{ name: 'vg0', uuid: 'a-b' }])
  expect(parseGroups('{"report":[{"vg":[]}]}')).toEqual([])
})
