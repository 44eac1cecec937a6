import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { defineChecks } from '../check.ts'
import { owner, scratchTree, underUmask } from '../scratch-tree.ts'

/** What files have besides their content. */
export const fsMetadataChecks = defineChecks('fs', {
  'file-attributes': {
    title: 'a created file has exactly the mode and numeric owner asked for, set-id bits included, whatever the umask',
    async run(bed) {
      const { fs, at } = await scratchTree(bed, 'file-attributes')
      await underUmask(async () => {
        for (const mode of [0o000, 0o600, 0o666, 0o755, 0o4757, 0o2777, 0o1777]) {
          await fs.createFile(at(`mode-${mode}`), new Uint8Array([1, 2, 3]), { mode, ...owner })
          const stat = await fs.lstat(at(`mode-${mode}`))
          deepStrictEqual([stat.mode.toString(8), stat.uid, stat.gid], [mode.toString(8), owner.uid, owner.gid])
        }
      })
    },
  },
  'directory-attributes': {
    title: 'a created directory has exactly the mode and numeric owner asked for, whatever the umask',
    async run(bed) {
      const { fs, at } = await scratchTree(bed, 'directory-attributes')
      await underUmask(async () => {
        for (const mode of [0o700, 0o777, 0o1750, 0o2775]) {
          await fs.mkdir(at(`mode-${mode}`), { mode, ...owner })
          const stat = await fs.lstat(at(`mode-${mode}`))
          deepStrictEqual([stat.type, stat.mode.toString(8), stat.uid, stat.gid], ['directory', mode.toString(8), owner.uid, owner.gid])
        }
      })
    },
  },
  chmod: {
    title: 'chmod sets exactly the bits given',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'chmod')
      await create('file')
      for (const mode of [0o2700, 0o4711, 0o1644, 0]) {
        await fs.chmod(at('file'), mode)
        strictEqual((await fs.lstat(at('file'))).mode.toString(8), mode.toString(8))
      }
    },
  },
  chown: {
    title: 'chown takes numbers, and changes a link itself',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'chown')
      await create('target')
      await fs.symlink('target', at('link'), owner)
      await fs.chown(at('link'), 77, 4_000_000_000)
      const [link, target] = [await fs.lstat(at('link')), await fs.lstat(at('target'))]
      deepStrictEqual([link.uid, link.gid, target.uid, target.gid], [77, 4_000_000_000, owner.uid, owner.gid])
    },
  },
  xattrs: {
    title: 'extended attributes: binary values, odd names and paths, many files at once, others left alone',
    needs: ['xattrs'],
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'xattrs')
      await create('with')
      await create('new\nline = \\')
      await create('without')
      const label = new Uint8Array(Buffer.from('system_u:object_r:etc_t:s0\0'))
      const attributes = new Map([
        ['user.a', new Uint8Array([0, 255, 10, 61])],
        ['security.selinux', label],
      ])
      await fs.setXattrs([
        { path: at('with'), attributes },
        { path: at('new\nline = \\'), attributes: new Map([['user.b c', new Uint8Array([1])]]) },
      ])
      await fs.setXattrs([{ path: at('with'), attributes: new Map([['user.more', new Uint8Array([2])]]) }])
      const sorted = (map: ReadonlyMap<string, Uint8Array>) => [...map].map(([name, value]) => [name, [...value]]).sort()
      const found = await fs.getXattrs([at('without'), at('with'), at('new\nline = \\')])
      deepStrictEqual(found.map(sorted), [
        [],
        sorted(new Map([...attributes, ['user.more', new Uint8Array([2])]])),
        sorted(new Map([['user.b c', new Uint8Array([1])]])),
      ])
    },
  },
  mtime: {
    title: 'a new file is as new as the tool host\u2019s clock says, and its age stands still',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'mtime')
      await create('file')
      const { mtimeMs } = await fs.lstat(at('file'))
      ok(Number.isFinite(mtimeMs) && mtimeMs >= 0)
      strictEqual((await fs.lstat(at('file'))).mtimeMs, mtimeMs)
    },
  },
})
