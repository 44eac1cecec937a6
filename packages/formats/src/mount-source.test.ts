import { expect, test } from 'vitest'
import { canonicalMountSource } from './mount-source.ts'

test.each([
  ['UUID=AB-12', 'UUID=ab-12'],
  ['UUID="ab-12"', 'UUID=ab-12'],
  ['/dev/disk/by-uuid/AB-12', 'UUID=ab-12'],
  ['/dev/disk/by-partuuid/AB-12', 'PARTUUID=ab-12'],
  ['LABEL=Data', 'LABEL=Data'],
  ['/dev/disk/by-label/my\\x20d\\xc3\\xa4ta', 'LABEL=my d\u00e4ta'],
  ['/dev/disk/by-path/pci-0', '/dev/disk/by-path/pci-0'],
  ['/dev//vdb1', '/dev/vdb1'],
  ['tmpfs', 'tmpfs'],
  ['host:/export', 'host:/export'],
  ['//host/share', '/host/share'],
])('%s', (source, canonical) => {
  expect(canonicalMountSource(source)).toBe(canonical)
})
