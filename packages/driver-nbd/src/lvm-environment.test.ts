import { toolPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { lvmConfiguration } from './lvm-environment.ts'

test('a session sees its own devices and their partitions, then nothing', () => {
  const text = lvmConfiguration([toolPath('/dev/nbd3'), toolPath('/dev/loop0')], '/run/x/lock')
  const filters = [...text.matchAll(/^ {2}(?:global_)?filter = \[ (.*) \]$/gm)].map(([, filter]) => filter)
  expect(filters).toEqual(Array(2).fill('"a|^/dev/nbd3(p[0-9]+)?$|", "a|^/dev/loop0(p[0-9]+)?$|", "r|.*|"'))
  expect(text).toContain('locking_dir = "/run/x/lock"')
})
