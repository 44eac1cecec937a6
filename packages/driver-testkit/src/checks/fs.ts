import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { defineChecks } from '../check.ts'
import { text } from '../device-tools.ts'
import { owner, scratchTree } from '../scratch-tree.ts'

const everyByte = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => (i * 13 + (i >> 8)) % 256)

/** Reading and writing by the file primitives of the tool host. */
export const fsChecks = defineChecks('fs', {
  content: {
    title: 'a file holds exactly the bytes it was created with, of every value and length',
    async run(bed) {
      const { fs, at } = await scratchTree(bed, 'content')
      for (const size of [0, 1, 65_537, 700_000]) {
        const content = everyByte(size)
        await fs.createFile(at(`size-${size}`), content, { mode: 0o644, ...owner })
        const { type, sizeBytes } = await fs.lstat(at(`size-${size}`))
        deepStrictEqual({ type, sizeBytes }, { type: 'file', sizeBytes: size })
        strictEqual(Buffer.compare(await fs.readFile(at(`size-${size}`), { maxBytes: 700_000 }), content), 0, `${size} bytes`)
      }
    },
  },
  names: {
    title: 'names of every kind: spaces, quotes, newlines, dashes, unicode, 255 bytes',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'names')
      const names = ['-rf', 'a b', 'new\nline', '\u00fcber', '\u{1f600}', "quo'te", '"', '$x', '*', '\\', '...', ' ', '\t', 'n'.repeat(255)]
      for (const name of names) await create(name, name)
      for (const name of names) strictEqual(text(await fs.readFile(at(name), { maxBytes: 1000 })), name)
      const listed = (await fs.readdir(at(''))).map(({ name }) => name).sort()
      deepStrictEqual(listed, [...names].sort())
    },
  },
  readdir: {
    title: 'readdir lists every entry but . and .., each with what lstat says',
    async run(bed) {
      const { fs, at, create, exec } = await scratchTree(bed, 'readdir')
      await create('file', '123', 0o640)
      await fs.mkdir(at('directory'), { mode: 0o700, ...owner })
      await fs.symlink('file', at('link'), owner)
      await exec('mkfifo', at('fifo'))
      const entries = await fs.readdir(at(''))
      deepStrictEqual(entries.map(({ name, stat }) => `${name} ${stat.type}`).sort(), [
        'directory directory',
        'fifo fifo',
        'file file',
        'link symlink',
      ])
      for (const { name, stat } of entries) deepStrictEqual(stat, await fs.lstat(at(name)), name)
      deepStrictEqual(await fs.readdir(at('directory')), [])
    },
  },
  'symlink-target': {
    title: 'a symlink holds its target as it is, with the owner asked for',
    async run(bed) {
      const { fs, at } = await scratchTree(bed, 'symlink-target')
      for (const [index, target] of ['../any where\n', '/absolute/../x', '-n', "it's", 'dangling/'].entries()) {
        await fs.symlink(target, at(`link-${index}`), owner)
        strictEqual(await fs.readlink(at(`link-${index}`)), target)
        const { type, uid, gid } = await fs.lstat(at(`link-${index}`))
        deepStrictEqual({ type, uid, gid }, { type: 'symlink', ...owner })
      }
    },
  },
  rename: {
    title: 'rename replaces a file or a link, and moves directories with what is in them',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'rename')
      await create('old', '1')
      await create('new', '2', 0o600)
      await fs.rename(at('new'), at('old'))
      strictEqual(text(await fs.readFile(at('old'), { maxBytes: 10 })), '2')
      strictEqual((await fs.lstat(at('old'))).mode, 0o600)
      await fs.symlink('old', at('link'), owner)
      await create('third', '3')
      await fs.rename(at('third'), at('link'))
      deepStrictEqual([(await fs.lstat(at('link'))).type, text(await fs.readFile(at('old'), { maxBytes: 10 }))], ['file', '2'])
      await fs.mkdir(at('from'), { mode: 0o755, ...owner })
      await create('from/inside', 'i')
      await fs.rename(at('from'), at('to'))
      strictEqual(text(await fs.readFile(at('to/inside'), { maxBytes: 10 })), 'i')
      deepStrictEqual((await fs.readdir(at(''))).map(({ name }) => name).sort(), ['link', 'old', 'to'])
    },
  },
  'rename-atomic': {
    title: 'while rename replaces a file, the name is never missing',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'rename-atomic')
      await create('name', 'first')
      let renaming = true
      const look = async (): Promise<void> => {
        while (renaming) {
          strictEqual((await fs.lstat(at('name'))).type, 'file')
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const looking = Promise.all([look(), look(), look()])
      // Handled here as well, or a failure while renaming would be nobody's.
      looking.catch(() => {})
      try {
        for (let i = 0; i < 20; i += 1) {
          await create(`next-${i}`, String(i))
          await fs.rename(at(`next-${i}`), at('name'))
        }
      } finally {
        renaming = false
      }
      await looking
    },
  },
  remove: {
    title: 'unlink and rmdir remove what they name, a link and not its target',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'remove')
      await create('kept', 'kept')
      await fs.symlink('kept', at('link'), owner)
      await fs.mkdir(at('gone'), { mode: 0o755, ...owner })
      await fs.unlink(at('link'))
      await fs.rmdir(at('gone'))
      deepStrictEqual(
        (await fs.readdir(at(''))).map(({ name }) => name),
        ['kept'],
      )
      strictEqual(text(await fs.readFile(at('kept'), { maxBytes: 10 })), 'kept')
    },
  },
  parallel: {
    title: 'a hundred calls at once',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'parallel')
      const names = Array.from({ length: 100 }, (_, i) => `many-${i}`)
      await Promise.all(names.map((name) => create(name, name)))
      const contents = await Promise.all(names.map((name) => fs.readFile(at(name), { maxBytes: 100 })))
      deepStrictEqual(contents.map(text), names)
      strictEqual((await fs.readdir(at(''))).length, 100)
    },
  },
})
