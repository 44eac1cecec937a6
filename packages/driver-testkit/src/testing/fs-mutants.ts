import { dirname } from 'node:path'
import { type CreateOptions, FsError, type RawFs, toolPath } from '@host-deployer/driver-api'
import type { Mutant } from './mutant.ts'

const fs = (change: (fs: RawFs) => Partial<RawFs>, ...found: readonly string[]): Mutant => ({
  fault: { fs: change },
  groups: ['fs'],
  found,
})

const ignoring = async (action: Promise<unknown>): Promise<void> => void (await action.catch(() => {}))

/** Faults in the file primitives. */
export const fsMutants: Readonly<Record<string, Mutant>> = {
  'createFile overwrites': fs(
    (raw) => ({
      async createFile(path, content, options) {
        await ignoring(raw.unlink(path))
        await raw.createFile(path, content, options)
      },
    }),
    'fs.create-exclusive',
  ),
  'createFile is for text': fs(
    (raw) => ({ createFile: (path, content, options) => raw.createFile(path, Buffer.from(Buffer.from(content).toString()), options) }),
    'fs.content',
  ),
  'readFile follows symlinks': fs(
    (raw) => ({
      async readFile(path, options) {
        const target = await raw.readlink(path).catch(() => undefined)
        return raw.readFile(target === undefined ? path : toolPath(`${dirname(path)}/${target}`), options)
      },
    }),
    'fs.symlink-not-followed',
  ),
  'readFile reads a FIFO': fs(
    (raw) => ({
      readFile: async (path, options) => ((await raw.lstat(path)).type === 'fifo' ? Buffer.alloc(0) : raw.readFile(path, options)),
    }),
    'fs.fifo-not-opened',
  ),
  'readFile cuts what is too large': fs(
    (raw) => ({ readFile: async (path, { maxBytes }) => (await raw.readFile(path, { maxBytes: 2 ** 30 })).subarray(0, maxBytes) }),
    'fs.too-large',
  ),
  'rename refuses to replace': fs(
    (raw) => ({
      async rename(from, to) {
        if (await raw.lstat(to).then(Boolean, () => false)) throw new FsError('already-exists', to)
        await raw.rename(from, to)
      },
    }),
    'fs.rename',
  ),
  'rename removes first': fs(
    (raw) => ({
      async rename(from, to) {
        await ignoring(raw.unlink(to))
        await new Promise((resolve) => setTimeout(resolve, 1))
        await raw.rename(from, to)
      },
    }),
    'fs.rename-atomic',
  ),
  'mkdir respects the umask': fs(
    (raw) => ({ mkdir: (path, options) => raw.mkdir(path, { ...options, mode: options.mode & ~0o022 }) }),
    'fs.directory-attributes',
  ),
  'chown after chmod drops set-id bits': fs(
    (raw) => ({
      async createFile(path, content, options: CreateOptions) {
        await raw.createFile(path, content, options)
        await raw.chown(path, options.uid, options.gid)
      },
    }),
    'fs.file-attributes',
  ),
  'chown ignores the group': fs((raw) => ({ chown: (path, uid) => raw.chown(path, uid, 0) }), 'fs.chown'),
  'chmod keeps the sticky bit off': fs((raw) => ({ chmod: (path, mode) => raw.chmod(path, mode & 0o6777) }), 'fs.chmod'),
  'unlink takes a link\u2019s target along': fs(
    (raw) => ({
      async unlink(path) {
        const target = await raw.readlink(path).catch(() => undefined)
        await raw.unlink(path)
        if (target === undefined) return
        const { name } = (await raw.readdir(toolPath(dirname(path))))[0] ?? { name: target }
        await ignoring(raw.unlink(toolPath(`${dirname(path)}/${name}`)))
      },
    }),
    'fs.remove',
  ),
  'one kind for everything': fs(
    (raw) => ({
      lstat: (path) =>
        raw.lstat(path).catch(() => {
          throw new FsError('not-found', path)
        }),
    }),
    'fs.error-kinds',
  ),
  'a full disk is some failure': fs(
    (raw) => ({
      createFile: (path, content, options) =>
        raw.createFile(path, content, options).catch((error: unknown) => {
          throw FsError.is(error, 'no-space') ? new FsError('io', path) : error
        }),
    }),
    'fs.no-space',
  ),
  'what did not fit leaves a file': fs(
    (raw) => ({
      createFile: (path, content, options) =>
        raw.createFile(path, content, options).catch(async (error: unknown) => {
          if (FsError.is(error, 'no-space')) await raw.createFile(path, new Uint8Array(), options)
          throw error
        }),
    }),
    'fs.no-space',
  ),
  'a bare Error from rmdir': fs(
    (raw) => ({
      rmdir: (path) =>
        raw.rmdir(path).catch((error: unknown) => {
          throw new Error(String(error))
        }),
    }),
    'fs.symlink-not-followed',
    'fs.error-kinds',
  ),
  'readdir lists . and ..': fs(
    (raw) => ({
      async readdir(path) {
        const stat = await raw.lstat(path)
        return [{ name: '.', stat }, { name: '..', stat }, ...(await raw.readdir(path))]
      },
    }),
    'fs.names',
    'fs.readdir',
  ),
  'readdir follows links': fs(
    (raw) => ({
      async readdir(path) {
        const entries = await raw.readdir(path)
        return entries.map((entry) =>
          entry.stat.type === 'symlink' ? { ...entry, stat: { ...entry.stat, type: 'file' as const } } : entry,
        )
      },
    }),
    'fs.readdir',
  ),
  'names lose their newlines': fs(
    (raw) => ({
      readdir: async (path) => (await raw.readdir(path)).map((entry) => ({ ...entry, name: entry.name.replaceAll('\n', '?') })),
    }),
    'fs.names',
  ),
  'symlink tidies its target': fs(
    (raw) => ({ symlink: (target, path, owner) => raw.symlink(target.trim(), path, owner) }),
    'fs.symlink-target',
  ),
  'extended attributes are lost': fs(() => ({ setXattrs: async () => {} }), 'fs.xattrs'),
  'extended attributes replace each other': fs(
    (raw) => ({
      setXattrs: (changes) =>
        raw.setXattrs(changes.map(({ path, attributes }) => ({ path, attributes: new Map([...attributes].slice(-1)) }))),
    }),
    'fs.xattrs',
  ),
}
