import { parseRequest } from '@host-deployer/api'
import { toolPath } from '@host-deployer/driver-api'
import { createMemoryRawFs, loadTree, openGuestFs, type TreeManifest } from '@host-deployer/guest-fs'
import { expect, test } from 'vitest'
import { requestedGrowth } from './requested-growth.ts'

async function growth(yaml: string, tree: TreeManifest = {}) {
  const raw = createMemoryRawFs()
  await loadTree(raw, toolPath('/'), tree)
  const { partition, filesystem, diagnostics } = await requestedGrowth(
    openGuestFs({ fs: raw, root: toolPath('/') }),
    parseRequest({ userData: `#cloud-config\n${yaml}\n` }).request,
  )
  return [partition, filesystem, diagnostics.map(({ code }) => code)]
}

test.each([
  ['{}', false, false],
  ['growpart: {mode: auto}', true, true],
  ['growpart: {devices: [/]}', true, true],
  ['growpart: {devices: []}', false, false],
  ['growpart: {mode: off}', false, false],
  ['growpart: {mode: off, devices: [/]}', false, false],
  ['{growpart: {mode: off}, resize_rootfs: true}', false, true],
  ['{growpart: {mode: auto}, resize_rootfs: false}', true, false],
  ['resize_rootfs: noblock', false, true],
])('%s: partition %s, file system %s', async (yaml, partition, filesystem) => {
  expect(await growth(yaml)).toEqual([partition, filesystem, []])
})

test('an image that forbids it keeps its partition, unless the request says otherwise', async () => {
  const tree: TreeManifest = { '/etc/growroot-disabled': { content: '' } }
  expect(await growth('growpart: {mode: auto}', tree)).toEqual([false, true, ['GROW_DISABLED']])
  expect(await growth('growpart: {mode: auto, ignore_growroot_disabled: true}', tree)).toEqual([true, true, []])
  expect(await growth('growpart: {mode: off}', tree)).toEqual([false, false, []])
})
