import { copyFile, truncate, writeFile } from 'node:fs/promises'
import type { DeployReport, ErrorReport, ProbeReport } from '@host-deployer/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkDisks, checkFileSystems } from './lib/check-file-systems.ts'
import { createPhonyDisk, onDisk } from './lib/phony-disk.ts'
import { runJson } from './lib/run-command.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// What a VM for each deploy is for: copies of one image open at the same time, and file systems that this machine's own kernel need not know.

const rounds = process.env['HOST_DEPLOYER_SOAK'] === undefined ? 1 : 10
const MiB = 2 ** 20
let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('twins')
})
afterAll(() => space.remove())

test(`two copies of one image, the same volume group and UUIDs, deployed at once, ${rounds} times: nothing is mixed up`, async () => {
  const names = ['castor', 'pollux'] as const
  await createPhonyDisk(space.path('castor.raw'), { type: 'xfs', layout: 'lvm', sizeBytes: 512 * MiB })
  await copyFile(space.path('castor.raw'), space.path('pollux.raw'))
  const look = (name: string) =>
    onDisk(space.path(`${name}.raw`), async (session, run) => {
      const complaints = await checkDisks(session)
      const uuids = await run(
        'sh',
        '-c',
        'pvs --noheadings -o pv_uuid; vgs --noheadings -o vg_name,vg_uuid; blkid -s UUID -o value /dev/vg0/root',
      )
      await run('mount', '-t', 'xfs', '-o', 'ro', '/dev/vg0/root', '/mnt')
      return { complaints, uuids, who: await run('sh', '-c', 'cat /mnt/etc/who 2>/dev/null || echo nobody') }
    })
  const { uuids } = await look('pollux')
  expect(uuids.trim().split('\n')).toHaveLength(3)
  const deploy = async (name: string, round: number): Promise<DeployReport> => {
    const userData = `#cloud-config\nhostname: ${name}${round}\nwrite_files:\n  - { path: /etc/who, content: "${name} ${round}" }\n`
    return await runJson<DeployReport>(['deploy', space.path(`${name}.raw`), '--user-data', await space.write(`${name}.yaml`, userData)])
  }
  for (let round = 0; round < rounds; round += 1) {
    const reports = await Promise.all(names.map((name) => deploy(name, round)))
    for (const { changed, facts, diff } of reports) {
      expect({ changed, lvm: facts.storage.lvm }).toEqual({ changed: true, lvm: true })
      expect(diff.map(({ path }) => path)).toEqual(expect.arrayContaining(['/etc/hostname', '/etc/who']))
    }
    const probes = await Promise.all(names.map((name) => runJson<ProbeReport>(['probe', space.path(`${name}.raw`)])))
    expect(probes.map(({ os }) => os.hostname)).toEqual(names.map((name) => `${name}${round}`))
  }
  for (const name of names) expect(await look(name)).toEqual({ complaints: [], uuids, who: `${name} ${rounds - 1}` })
})

test.each([
  ['ext4', ['-O', 'metadata_csum_seed,orphan_file,inline_data,fast_commit,ea_inode'], /orphan_file/, 'dumpe2fs -h "$1"'],
  ['xfs', ['-i', 'nrext64=1', '-m', 'bigtime=1,inobtcount=1,rmapbt=1'], /bigtime=1.*nrext64=1/s, 'xfs_db -r -c info "$1"'],
] as const)('%s with features that an older kernel refuses is deployed like any other', async (type, mkfs, feature, show) => {
  const image = space.path(`new-${type}.raw`)
  await createPhonyDisk(image, { type, mkfs, sizeBytes: 512 * MiB })
  expect(await onDisk(image, (session, run) => run('sh', '-c', show, 'sh', session.disks[0].device))).toMatch(feature)
  expect(await runJson<DeployReport>(['deploy', image, '--hostname', 'modern'])).toMatchObject({ changed: true })
  expect((await runJson<ProbeReport>(['probe', image])).os.hostname).toBe('modern')
  expect(await checkFileSystems(image, 'raw')).toEqual([])
})

// f2fs: the appliance has its tools, its kernel lacks the file system. ntfs: no Linux is installed on one.
test.each([
  ['f2fs', ['-q'], 'BLOCK_FILESYSTEM_UNSUPPORTED'],
  ['ntfs', ['-q', '-Q', '-F'], 'BLOCK_NO_ROOT'],
] as const)('a disk of %s: the code says what is the matter, and which file system it is', async (type, flags, code) => {
  const image = space.path(`${type}.raw`)
  await writeFile(image, '')
  await truncate(image, 128 * MiB)
  await onDisk(image, (session, run) => run(`mkfs.${type}`, ...flags, session.disks[0].device))
  for (const command of [
    ['probe', image],
    ['deploy', image, '--hostname', 'odd'],
  ]) {
    const { error } = await runJson<ErrorReport>(command, 5)
    expect(error.code).toBe(code)
    expect(JSON.stringify(error)).toContain(type)
  }
})
