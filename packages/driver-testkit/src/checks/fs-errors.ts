import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { defineChecks } from '../check.ts'
import { text } from '../device-tools.ts'
import { kindOf } from '../expect-error.ts'
import { owner, scratchTree } from '../scratch-tree.ts'

const none = new Uint8Array()
const options = { mode: 0o755, ...owner }

/** What the file primitives refuse, and why they say they do. */
export const fsErrorChecks = defineChecks('fs', {
  'create-exclusive': {
    title: 'createFile, mkdir and symlink never overwrite, and what was there stays as it was',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'create-exclusive')
      await create('file', 'before')
      await fs.symlink('nowhere', at('dangling'), owner)
      await fs.symlink('file', at('link'), owner)
      await fs.mkdir(at('directory'), options)
      for (const name of ['file', 'dangling', 'link', 'directory']) {
        strictEqual(await kindOf(fs.createFile(at(name), Buffer.from('after'), options)), 'already-exists', `createFile over ${name}`)
        strictEqual(await kindOf(fs.mkdir(at(name), options)), 'already-exists', `mkdir over ${name}`)
        strictEqual(await kindOf(fs.symlink('x', at(name), owner)), 'already-exists', `symlink over ${name}`)
      }
      strictEqual(text(await fs.readFile(at('file'), { maxBytes: 100 })), 'before')
      strictEqual(await fs.readlink(at('dangling')), 'nowhere')
      strictEqual((await fs.readdir(at(''))).length, 4, 'something was created')
    },
  },
  'symlink-not-followed': {
    title: 'no primitive follows a symlink in the last position',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'symlink-not-followed')
      await create('file', 'secret', 0o600)
      await fs.mkdir(at('directory'), options)
      await fs.symlink('file', at('to-file'), owner)
      await fs.symlink('directory', at('to-directory'), owner)
      const kinds = [
        await kindOf(fs.readFile(at('to-file'), { maxBytes: 100 })),
        await kindOf(fs.readdir(at('to-directory'))),
        await kindOf(fs.chmod(at('to-file'), 0o777)),
        await kindOf(fs.rmdir(at('to-directory'))),
      ]
      deepStrictEqual(kinds, ['not-a-file', 'not-a-directory', 'not-supported', 'not-a-directory'])
      strictEqual((await fs.lstat(at('to-file'))).type, 'symlink')
      strictEqual((await fs.lstat(at('file'))).mode, 0o600, 'the target was changed')
    },
  },
  'fifo-not-opened': {
    title: 'a FIFO is never opened: reading it is refused at once',
    timeoutMs: 20_000,
    async run(bed) {
      const { fs, at, exec } = await scratchTree(bed, 'fifo-not-opened')
      await exec('mkfifo', at('fifo'))
      strictEqual((await fs.lstat(at('fifo'))).type, 'fifo')
      strictEqual(await kindOf(fs.readFile(at('fifo'), { maxBytes: 100 })), 'not-a-file')
    },
  },
  'too-large': {
    title: 'readFile takes a file of exactly maxBytes and refuses a longer one',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'too-large')
      await create('file', '12345')
      strictEqual(text(await fs.readFile(at('file'), { maxBytes: 5 })), '12345')
      strictEqual(await kindOf(fs.readFile(at('file'), { maxBytes: 4 })), 'too-large')
    },
  },
  'error-kinds': {
    title: 'each refusal has its kind, and changes nothing',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'error-kinds')
      await fs.mkdir(at('full'), options)
      await fs.mkdir(at('empty'), options)
      await create('full/file', '12345')
      await fs.symlink('nowhere', at('dangling'), owner)
      const cases: readonly (readonly [string, () => Promise<unknown>, string])[] = [
        ['lstat missing', () => fs.lstat(at('none')), 'not-found'],
        ['lstat in a missing directory', () => fs.lstat(at('none/deeper')), 'not-found'],
        ['lstat below a file', () => fs.lstat(at('full/file/x')), 'not-a-directory'],
        ['lstat of a long name', () => fs.lstat(at('n'.repeat(300))), 'name-too-long'],
        ['readlink of a file', () => fs.readlink(at('full/file')), 'not-a-symlink'],
        ['readlink of a directory', () => fs.readlink(at('full')), 'not-a-symlink'],
        ['readlink missing', () => fs.readlink(at('none')), 'not-found'],
        ['readdir of a file', () => fs.readdir(at('full/file')), 'not-a-directory'],
        ['readdir missing', () => fs.readdir(at('none')), 'not-found'],
        ['readFile of a directory', () => fs.readFile(at('full'), { maxBytes: 9 }), 'not-a-file'],
        ['readFile missing', () => fs.readFile(at('none'), { maxBytes: 9 }), 'not-found'],
        ['createFile without parent', () => fs.createFile(at('none/x'), none, options), 'not-found'],
        ['mkdir without parent', () => fs.mkdir(at('none/x'), options), 'not-found'],
        ['symlink without parent', () => fs.symlink('x', at('none/x'), owner), 'not-found'],
        ['rename missing', () => fs.rename(at('none'), at('other')), 'not-found'],
        ['rename a file over a directory', () => fs.rename(at('full/file'), at('empty')), 'is-a-directory'],
        ['rename a directory over a full one', () => fs.rename(at('empty'), at('full')), 'not-empty'],
        ['unlink a directory', () => fs.unlink(at('empty')), 'is-a-directory'],
        ['unlink missing', () => fs.unlink(at('none')), 'not-found'],
        ['rmdir a full directory', () => fs.rmdir(at('full')), 'not-empty'],
        ['rmdir a file', () => fs.rmdir(at('full/file')), 'not-a-directory'],
        ['rmdir missing', () => fs.rmdir(at('none')), 'not-found'],
        ['chmod missing', () => fs.chmod(at('none'), 0o600), 'not-found'],
        ['chown missing', () => fs.chown(at('none'), 1, 1), 'not-found'],
      ]
      const found: string[] = []
      for (const [name, action] of cases) found.push(`${name}: ${await kindOf(action())}`)
      deepStrictEqual(
        found,
        cases.map(([name, , kind]) => `${name}: ${kind}`),
      )
      deepStrictEqual((await fs.readdir(at(''))).map(({ name }) => name).sort(), ['dangling', 'empty', 'full'])
    },
  },
  'no-space': {
    title: 'a file that does not fit is refused as no-space, nothing of it stays, and what fits is created after it',
    async run(bed) {
      const { fs, at, create } = await scratchTree(bed, 'no-space')
      const { sizeBytes } = await bed.disk('data')
      await create('before', 'x')
      strictEqual(await kindOf(fs.createFile(at('large'), new Uint8Array(sizeBytes), options)), 'no-space')
      deepStrictEqual(
        (await fs.readdir(at(''))).map(({ name }) => name),
        ['before'],
        'part of the file stayed',
      )
      await create('after', 'y')
      strictEqual(text(await fs.readFile(at('after'), { maxBytes: 9 })), 'y')
    },
  },
  'read-only': {
    title: 'on a file system mounted read-only every change is refused as read-only, and reading goes on',
    async run(bed) {
      const { fs, at, create, exec, mountPoint } = await scratchTree(bed, 'read-only')
      await create('file', 'x')
      await fs.syncfs(mountPoint)
      await exec('mount', '-o', 'remount,ro', mountPoint)
      try {
        const kinds = [
          await kindOf(create('late')),
          await kindOf(fs.unlink(at('file'))),
          await kindOf(fs.chmod(at('file'), 0o600)),
          await kindOf(fs.mkdir(at('directory'), options)),
          await kindOf(fs.rename(at('file'), at('other'))),
        ]
        deepStrictEqual(kinds, Array(5).fill('read-only'))
        strictEqual(text(await fs.readFile(at('file'), { maxBytes: 9 })), 'x')
      } finally {
        await exec('mount', '-o', 'remount,rw,nodev,nosuid,noexec', mountPoint)
      }
    },
  },
})
