import { FsError, toolPath } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StagedFs } from './guest-fs.ts'
import { guestPath } from './guest-path.ts'
import { createMemoryRawFs, type MemoryRawFsOptions } from './memory-raw-fs.ts'
import { openGuestFs } from './open-guest-fs.ts'
import { stageGuestFs } from './stage-guest-fs.ts'
import { loadTree, type ManifestEntry, snapshotTree, type TreeManifest } from './tree-manifest.ts'

const g = guestPath
const root = toolPath('/mnt')
const mounts = [g('/boot')]
const label = { 'security.selinux': 'label\0' }

const before: TreeManifest = {
  '/etc/passwd': { content: 'root:x:0:0::/root:/bin/bash\n', xattrs: label },
  '/etc/shadow': { content: 'root:*:1::::::\n', mode: 0o640, gid: 42 },
  '/etc/motd': { link: '/run/motd' },
  '/etc/ssh/key1': { content: 'KEY' },
  '/var/lib/cloud/a/b': { content: 'state' },
  '/var/lib/cloud/c': { content: 'state' },
  '/boot/grub/grub.cfg': { content: 'old' },
  '/usr/bin/su': { content: 'ELF', mode: 0o4755 },
  '/dev/null': { special: 'character-device', mode: 0o666 },
}

async function guest(manifest: TreeManifest = before, options: MemoryRawFsOptions = {}) {
  const raw = createMemoryRawFs({ mountPoints: [root, toolPath('/mnt/boot')], ...options })
  await loadTree(raw, root, manifest)
  return { raw, stage: () => stageGuestFs(openGuestFs({ fs: raw, root, mounts })), snapshot: () => snapshotTree(raw, root) }
}

/** One wish about one path; asking for it twice is the same as once. */
type Wish = (fs: StagedFs) => Promise<void>

const clear = async (fs: StagedFs, path: string, type: string): Promise<void> => {
  const stat = await fs.lstat(g(path)).catch(() => undefined)
  if (stat !== undefined && stat.type !== type) await fs.removeTree(g(path))
}
const wishes: Record<string, Wish> = {
  passwd: (fs) => fs.writeFile(g('/etc/passwd'), 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n'),
  shadow: (fs) => fs.writeFile(g('/etc/shadow'), 'root:$6$:1::::::\nuser:!:1::::::\n', { sensitive: true }),
  'home directory': async (fs) => {
    await fs.makeDirectories(g('/home'))
    await fs.makeDirectories(g('/home/user/.ssh'), { mode: 0o700, uid: 1000, gid: 1000 })
    await fs.writeFile(g('/home/user/.ssh/authorized_keys'), 'ssh-ed25519 A\n', { mode: 0o600, uid: 1000, gid: 1000 })
    await fs.symlink('../motd', g('/home/user/motd'), { uid: 1000, gid: 1000 })
    await fs.setXattr(g('/home/user/.ssh'), 'security.selinux', Uint8Array.of(1))
  },
  'link to file': (fs) => fs.writeFile(g('/etc/motd'), 'hello\n', { replaceSymlink: true }),
  'file to link': (fs) => fs.symlink('/run/key', g('/etc/ssh/key1')),
  'directory to link': async (fs) => {
    await clear(fs, '/etc/ssh', 'symlink')
    await fs.symlink('/run/ssh', g('/etc/ssh'))
  },
  'directory to file': async (fs) => {
    await clear(fs, '/var/lib/cloud/a', 'file')
    await fs.writeFile(g('/var/lib/cloud/a'), 'now a file')
  },
  'file to directory': async (fs) => {
    await clear(fs, '/var/lib/cloud/c', 'directory')
    await fs.makeDirectories(g('/var/lib/cloud/c/d'))
    await fs.writeFile(g('/var/lib/cloud/c/d/e'), 'x')
  },
  'removed tree': (fs) => fs.removeTree(g('/var/lib/cloud')),
  'removed file': (fs) => fs.remove(g('/etc/ssh/key1')),
  boot: (fs) => fs.writeFile(g('/boot/grub/grub.cfg'), 'new'),
  'boot directory': (fs) => fs.removeTree(g('/boot/grub')),
  'owner of a set-id file': (fs) => fs.chown(g('/usr/bin/su'), 3, 3),
  metadata: async (fs) => {
    await fs.chmod(g('/usr'), 0o711)
    await fs.chown(g('/usr'), 9, 9)
    await fs.setXattr(g('/usr'), 'user.x', Uint8Array.of(1))
  },
}

/** A kill shows in what the tree holds: from the nth primitive on nothing has an effect any more. Calls in parallel take effect in any order. */
function killAt(index: number, delays: readonly number[]) {
  let executed = 0
  return async (call: { readonly index: number }): Promise<'io' | undefined> => {
    for (let turns = delays[call.index % delays.length] ?? 0; turns > 0; turns--) await Promise.resolve()
    return executed++ >= index ? 'io' : undefined
  }
}

const contentOf = (entry: ManifestEntry | undefined): unknown =>
  entry === undefined ? undefined : 'content' in entry ? entry.content : 'link' in entry ? { link: entry.link } : 'other'

test('a kill at any primitive leaves old or new, and the same request again completes it', async () => {
  const old = await (await guest()).snapshot()
  const request = fc.uniqueArray(fc.constantFrom(...Object.keys(wishes)), { minLength: 1, maxLength: 6 })
  const delays = fc.array(fc.nat(6), { minLength: 1, maxLength: 7 })
  await fc.assert(
    fc.asyncProperty(request, delays, async (names, turns) => {
      const ask = async (stage: () => StagedFs): Promise<StagedFs> => {
        const fs = stage()
        for (const name of names) await wishes[name]?.(fs).catch((error: unknown) => expect(FsError.is(error)).toBe(true))
        await fs.diff()
        return fs
      }
      const whole = await guest()
      const fs = await ask(whole.stage)
      const start = whole.raw.callCount
      await fs.commit()
      const calls = whole.raw.callCount - start
      const wanted = await whole.snapshot()
      expect(await (await ask(whole.stage)).diff()).toEqual([])
      expect(calls).toBeGreaterThan(2)

      for (let index = 0; index < calls; index++) {
        const cut = await guest()
        const first = await ask(cut.stage)
        cut.raw.intercept(killAt(index, turns))
        await first.commit().then(
          () => undefined,
          () => undefined,
        )
        cut.raw.intercept(undefined)
        const found = await cut.snapshot()
        for (const [path, entry] of Object.entries(found)) {
          if (path.includes('.host-deployer-stage')) continue
          expect([contentOf(old[path]), contentOf(wanted[path])], `${path} at ${index}`).toContainEqual(contentOf(entry))
        }
        for (const path of ['/etc/passwd', '/etc/shadow']) expect(contentOf(found[path])).toBeTruthy()

        const second = await ask(cut.stage)
        await second.commit()
        expect(await cut.snapshot(), `again after ${index}`).toEqual(wanted)
        expect(await second.pathsToCommit()).toEqual([])
      }
    }),
    { numRuns: 8 },
  )
})

test('a full disk leaves the tree as it was', async () => {
  const { stage, snapshot } = await guest(before, { capacityBytes: 200 })
  const [fs, old] = [stage(), await snapshot()]
  await fs.writeFile(g('/etc/passwd'), 'new')
  await fs.makeDirectories(g('/opt/big'))
  await fs.writeFile(g('/opt/big/file'), 'x'.repeat(150))
  await expect(fs.commit()).rejects.toMatchObject({ code: 'FS_NO_SPACE', path: '/opt/big/file' })
  expect(await snapshot()).toEqual(old)
  await fs.removeTree(g('/opt/big'))
  expect((await fs.commit()).map(({ path }) => path)).toEqual(['/etc/passwd', '/opt'])
})

test.each(['createFile', 'mkdir', 'symlink', 'setXattrs', 'syncfs'])(
  'a failing %s while staging leaves the tree as it was',
  async (method) => {
    const { raw, stage, snapshot } = await guest()
    const [fs, old] = [stage(), await snapshot()]
    for (const name of ['passwd', 'home directory', 'file to link', 'metadata', 'removed tree']) await wishes[name]?.(fs)
    let seen = 0
    raw.intercept((call) => (call.method === method && seen++ === (method === 'mkdir' ? 1 : 0) ? 'io' : undefined))
    await expect(fs.commit()).rejects.toMatchObject({ kind: 'io' })
    expect(await snapshot()).toEqual(old)
    raw.intercept(undefined)
    expect((await fs.commit()).length).toBeGreaterThan(5)
  },
)

test('a failure half way says so, and committing again completes it', async () => {
  const { raw, stage, snapshot } = await guest()
  const fs = stage()
  for (const name of ['passwd', 'removed tree', 'metadata']) await wishes[name]?.(fs)
  raw.intercept(({ method }) => (method === 'chown' ? 'permission-denied' : undefined))
  await expect(fs.commit()).rejects.toMatchObject({ kind: 'permission-denied', path: '/usr', context: { partial: true } })
  raw.intercept(undefined)
  expect((await fs.commit()).map(({ path }) => path)).toEqual(['/usr'])
  expect(await snapshot()).toMatchObject({ '/usr': { uid: 9, mode: 0o711 } })
})

const depth = 40
test.each<[string, TreeManifest]>([
  ['a tree of a killed run', { '/.host-deployer-stage/new-0/x': { content: '' }, '/boot/.host-deployer-stage': { directory: true } }],
  ['a link to the guest', { '/.host-deployer-stage': { link: '/etc' } }],
  ['a link out of the guest', { '/.host-deployer-stage': { link: '/../../..' } }],
  ['links in a directory', { '/.host-deployer-stage/etc': { link: '/etc' }, '/.host-deployer-stage/deep-0': { link: '..' } }],
  ['a file', { '/.host-deployer-stage': { content: 'boo' } }],
  ['a FIFO', { '/boot/.host-deployer-stage': { special: 'fifo' } }],
  [
    'a deep tree',
    {
      [`/.host-deployer-stage${'/d'.repeat(depth)}/e`]: { content: '' },
      [`/.host-deployer-stage/x${'/d'.repeat(depth)}`]: { directory: true },
    },
  ],
])('%s in the place of staging goes, with and without changes', async (_, planted) => {
  const plain = await (await guest()).snapshot()
  for (const change of [false, true]) {
    const { stage, snapshot } = await guest({ ...before, ...planted })
    const fs = stage()
    if (change) await fs.writeFile(g('/etc/shadow'), 'new')
    expect(await fs.pathsToCommit()).not.toEqual([])
    expect(await fs.commit()).toHaveLength(change ? 1 : 0)
    expect(await fs.pathsToCommit()).toEqual([])
    const shadow = change ? { '/etc/shadow': { content: 'new', mode: 0o640, uid: 0, gid: 42 } } : {}
    expect(await snapshot()).toEqual({ ...plain, ...shadow })
  }
})

test('what needs no staging directory makes none, and every file system written is synced', async () => {
  const { raw, stage } = await guest()
  const fs = stage()
  const calls: string[] = []
  await fs.remove(g('/boot/grub/grub.cfg'))
  await fs.chmod(g('/etc/shadow'), 0o600)
  raw.intercept(({ method, path }) => void (/^(?:lstat|read|getX)/.test(method) || calls.push(`${method} ${path}`)))
  await fs.commit()
  expect(calls.sort()).toEqual(['chmod /mnt/etc/shadow', 'syncfs /mnt', 'syncfs /mnt/boot', 'unlink /mnt/boot/grub/grub.cfg'])
})

test('a commit ends with one sync, after the last change, also when it only removed stale staging', async () => {
  for (const change of [true, false]) {
    const { raw, stage } = await guest({ ...before, '/boot/.host-deployer-stage/new-0': { content: '' } })
    const fs = stage()
    const calls: string[] = []
    if (change) await wishes['passwd']?.(fs)
    raw.intercept(({ method, path }) => void (/^(?:lstat|read|getX)/.test(method) || calls.push(`${method} ${path}`)))
    await fs.commit()
    const lastChange = calls.findLastIndex((call) => !call.startsWith('syncfs'))
    expect(calls.slice(lastChange + 1).sort()).toEqual(change ? ['syncfs /mnt', 'syncfs /mnt/boot'] : ['syncfs /mnt/boot'])
    expect(calls.slice(0, lastChange).filter((call) => call.startsWith('syncfs'))).toEqual(change ? ['syncfs /mnt'] : [])
  }
})
