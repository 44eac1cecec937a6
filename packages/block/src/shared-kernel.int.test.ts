import { type Capabilities, DeployError } from '@host-deployer/driver-api'
import { afterEach, expect, test } from 'vitest'
import { applyGrow } from './apply-grow.ts'
import { releaseStorage, scanStorage } from './index.ts'
import { createLocalToolHost } from './testing/local-tool-host.ts'
import { createLoopDisk, type LoopDisk } from './testing/loop-disk.ts'

// What differs when the tool host is a machine with disks of its own. Needs root, loop devices, fdisk, lvm2.
const mebibyte = 2 ** 20
const capabilities: Capabilities = { isolated: false, xattrs: true, guestExec: false, partitionNodes: false, lvm: true }
const toolHost = createLocalToolHost()
let disks: LoopDisk[] = []

afterEach(() => {
  for (const disk of disks) disk.remove()
  disks = []
})

function newDisk(id: string): LoopDisk {
  const disk = createLoopDisk(64 * mebibyte, id)
  disks.push(disk)
  return disk
}

const scan = (disk: LoopDisk) => scanStorage(toolHost, [disk.attached], capabilities)
const codeOf = (attempt: Promise<unknown>) =>
  attempt.catch((error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)))
// In the place of the host: a group that is on none of the session's disks. The name is nobody else's.
const group = `hdtest${process.pid}`

/** A group with nothing in it, of the machine with that system id. */
function createGroup(disk: LoopDisk, name: string, systemId?: string, device: string = disk.device): void {
  const identity = systemId === undefined ? '' : ` global/system_id_source="lvmlocal" local/system_id="${systemId}"`
  disk.run('vgcreate', '-q', '--devices', device, '--config', `backup/archive=0${identity}`, name, device)
}

test('partitions are mapped where the kernel shows none, once', async () => {
  const disk = newDisk('disk0')
  disk.run('sh', '-c', `printf 'label: gpt\\nsize=8MiB\\nsize=16MiB\\n' | sfdisk --quiet --no-reread --no-tell-kernel ${disk.device}`)
  const [first] = (await scan(disk)).disks
  expect(first?.table?.partitions.map(({ number, sizeBytes, node }) => ({ number, sizeBytes, node }))).toEqual([
    { number: 1, sizeBytes: 8 * mebibyte, node: disk.node(1) },
    { number: 2, sizeBytes: 16 * mebibyte, node: disk.node(2) },
  ])
  expect((await scan(disk)).disks).toEqual([first])
})

test('a table without partitions is no reason to complain, a device that takes none is', async () => {
  const disk = newDisk('disk0')
  disk.run('sh', '-c', `echo 'label: gpt' | sfdisk --quiet --no-reread --no-tell-kernel ${disk.device}`)
  expect((await scan(disk)).disks[0]?.table?.partitions).toEqual([])
  disk.partition('label: gpt\nsize=32MiB\n')
  // A partition is no disk: no kernel maps partitions in it.
  disk.run('sh', '-c', `printf 'label: gpt\\nsize=8MiB\\n' | sfdisk --quiet --no-reread --no-tell-kernel ${disk.node(1)}`)
  expect(await codeOf(scanStorage(toolHost, [{ ...disk.attached, device: disk.node(1) }], capabilities))).toBe('CAPABILITY_PARTITION_NODES')
})

test.each([
  ['of its own', 'test.host-1'],
  ['for any machine', undefined],
])('a volume group whose name or uuid the machine has already, %s, is an error, and nothing is renamed', async (_, hostId) => {
  const [guest, host] = [newDisk('disk0'), newDisk('host')]
  createGroup(guest, group)
  createGroup(host, group, hostId)
  // It could be another session's, and says on which device it is.
  await expect(scan(guest)).rejects.toMatchObject({
    code: 'BLOCK_VG_CONFLICT',
    retry: 'may-help',
    context: { physicalVolumes: [host.device] },
  })
  // The same disk twice: another name does not help when the uuid is the same.
  host.run('dd', `if=${guest.device}`, `of=${host.device}`, 'bs=1M', 'status=none', 'conv=fsync')
  expect(await codeOf(scan(guest))).toBe('BLOCK_VG_CONFLICT')
  expect(guest.run('lvm', 'vgs', '--devices', guest.device, '--noheadings', '-o', 'vg_name').trim()).toBe(group)
})

test('a volume group of another machine is read and grown as any', async () => {
  const disk = newDisk('disk0')
  disk.partition('label: gpt\nsize=16MiB\nsize=16MiB\n')
  const groups = [`${group}a`, `${group}b`] as const
  createGroup(disk, groups[0], 'test.guest-1', disk.node(1))
  createGroup(disk, groups[1], 'test.guest-2', disk.node(2))
  const storage = await scan(disk)
  expect(storage.volumeGroups.map(({ name, systemId, active }) => [name, systemId, active]).sort()).toEqual([
    [groups[0], 'test.guest-1', true],
    [groups[1], 'test.guest-2', true],
  ])
  await releaseStorage(toolHost, storage)
  const members = [disk.node(1), disk.node(2)]
  const step = { kind: 'physical-volume', device: disk.node(1), members, systemId: 'test.guest-1' } as const
  await applyGrow(toolHost, { steps: [step], diagnostics: [] })
  expect(await codeOf(applyGrow(toolHost, { steps: [{ ...step, systemId: null }], diagnostics: [] }))).toBe('BLOCK_GROW_FAILED')
})
