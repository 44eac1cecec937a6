import { toolPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { parseXattrDump, renderXattrDump } from './xattr-dump.ts'

test('reads what getfattr prints', () => {
  const dump = parseXattrDump(
    '# file: /a b\nsecurity.selinux=0x6162\nuser.empty\nuser.none=0x\n\n# file: /new\\012line\\134\nuser.x\\075y=0x00ff\n\n',
  )
  expect([...dump.keys()]).toEqual(['/a b', '/new\nline\\'])
  expect([...(dump.get('/a b') ?? [])]).toEqual([
    ['security.selinux', new Uint8Array([0x61, 0x62])],
    ['user.empty', new Uint8Array()],
    ['user.none', new Uint8Array()],
  ])
  expect([...(dump.get('/new\nline\\') ?? [])]).toEqual([['user.x=y', new Uint8Array([0, 255])]])
})

test('what is rendered reads back', () => {
  const path = toolPath('/odd\n=\\\u00e9')
  const attributes = new Map([['user.a=b', new Uint8Array([1, 2, 3])]])
  expect(parseXattrDump(renderXattrDump([{ path, attributes }]))).toEqual(new Map([[path, attributes]]))
})

test('nothing to set is nothing to do', () => {
  expect(renderXattrDump([{ path: toolPath('/a'), attributes: new Map() }])).toBe('')
})
