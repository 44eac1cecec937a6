// A commit on a real file system gives the tree that it gives in memory. Needs root, attr's getfattr and setfattr.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RawFs, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { createLocalToolHost } from '@host-deployer/driver-kit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { guestPath } from './guest-path.ts'
import { createMemoryRawFs } from './memory-raw-fs.ts'
import { openGuestFs } from './open-guest-fs.ts'
import { stageGuestFs } from './stage-guest-fs.ts'
import { loadTree, snapshotTree, type TreeManifest } from './tree-manifest.ts'

const g = guestPath
let scratch: string

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'guest-fs-commit-'))
})
afterEach(() => rm(scratch, { recursive: true, force: true }))

const xattrs = { 'trusted.label': 'system_u:object_r:shadow_t:s0\0' }
const before: TreeManifest = {
  '/': { directory: true },
  '/etc/shadow': { content: 'root:*:1::::::\n', mode: 0o640, gid: 42, xattrs },
  '/etc/motd': { link: '/run/motd' },
  '/etc/odd "name"\n\\x': { content: Uint8Array.of(0, 255), xattrs },
  '/run': { directory: true, mode: 0o1777 },
  '/usr/bin/su': { content: 'ELF', mode: 0o4755 },
  '/var/lib/cloud/a/b': { content: 'state' },
  '/var/lib/seed': { content: 'state' },
  '/.host-deployer-stage/left/over': { content: '' },
  '/.host-deployer-stage/link': { link: '/etc' },
}

async function deploy(fs: RawFs, root: ToolPath): Promise<TreeManifest> {
  await loadTree(fs, root, before)
  const staged = stageGuestFs(openGuestFs({ fs, root }))
  await staged.writeFile(g('/etc/shadow'), 'root:$6$:1::::::\n')
  await staged.writeFile(g('/etc/motd'), 'hello\n')
  await staged.writeFile(g('/etc/odd "name"\n\\x'), 'plain', { uid: 7 })
  await staged.makeDirectories(g('/home/user/.ssh'), { mode: 0o700, uid: 1000, gid: 1000 })
  await staged.writeFile(g('/home/user/.ssh/authorized_keys'), 'key\n', { mode: 0o600, uid: 1000, gid: 1000 })
  await staged.symlink('../../etc/motd', g('/home/user/motd'), { uid: 1000, gid: 1000 })
  await staged.chown(g('/usr/bin/su'), 5, 6)
  await staged.chmod(g('/run'), 0o2770)
  await staged.setXattr(g('/run'), 'trusted.other', new TextEncoder().encode('x'))
  await staged.removeTree(g('/var/lib/cloud'))
  await staged.symlink('seed', g('/var/lib/cloud'))
  await staged.remove(g('/var/lib/seed'))
  await staged.makeDirectories(g('/var/lib/seed/nocloud'))
  const diff = await staged.commit()
  expect(diff.length).toBeGreaterThan(10)
  expect(await staged.pathsToCommit()).toEqual([])
  return snapshotTree(fs, root)
}

test('the real file system and the one in memory agree', async () => {
  const memory = createMemoryRawFs()
  await loadTree(memory, toolPath('/'), { '/guest': { directory: true } })
  const expected = await deploy(memory, toolPath('/guest'))
  expect(await deploy(createLocalToolHost().fs, toolPath(scratch))).toEqual(expected)
})
