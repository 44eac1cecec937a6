import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { FsError, type RawFs, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { type Group, text } from './group.ts'

const owner = { uid: 1234, gid: 4321 }
const ROOT = '/mnt/testkit'
const at = (name: string): ToolPath => toolPath(`${ROOT}/${name}`)
const kindOf = (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => 'fine',
    (error: unknown) => (FsError.is(error) ? error.kind : String(error)),
  )

/** File primitives, on an ext4 file system made on the session's first disk. */
export const fsGroup: Group = ({ it, beforeAll, afterAll }, fixture) => {
  const exec = async (...argv: [string, ...string[]]): Promise<string> => {
    const { exitCode, stdout, stderr } = await fixture().session.toolHost.exec(argv, { timeoutMs: 120_000 })
    strictEqual(exitCode, 0, `${argv.join(' ')}: ${text(stderr)}`)
    return text(stdout)
  }
  const fs = (): RawFs => fixture().session.toolHost.fs
  const create = (name: string, content: string, mode = 0o644): Promise<void> =>
    fs().createFile(at(name), Buffer.from(content), { mode, ...owner })

  beforeAll(async () => {
    await exec('mkfs.ext4', '-q', '-F', '-E', 'nodiscard', fixture().disk('data').device)
    await exec('mkdir', '-p', ROOT)
    await exec('mount', '-t', 'ext4', fixture().disk('data').device, ROOT)
  })
  afterAll(async () => {
    await exec('umount', ROOT)
  })

  it('a created file has exactly its content, mode and owner', async () => {
    for (const size of [0, 1, 65_537, 700_000]) {
      const content = new Uint8Array(size).map((_, i) => (i * 13) % 256)
      await fs().createFile(at(`size-${size}`), content, { mode: 0o4757, ...owner })
      const { type, mode, uid, gid, sizeBytes } = await fs().lstat(at(`size-${size}`))
      deepStrictEqual({ type, mode, uid, gid, sizeBytes }, { type: 'file', mode: 0o4757, ...owner, sizeBytes: size })
      strictEqual(Buffer.compare(await fs().readFile(at(`size-${size}`), { maxBytes: 1_000_000 }), content), 0)
    }
  })

  it('directories, links, names of every kind; readdir says what lstat says', async () => {
    await fs().mkdir(at('dir'), { mode: 0o1750, ...owner })
    const names = ['-rf', 'a b', 'new\nline', '\u00fcber', "quo'te", '$x', '*']
    for (const name of names) await create(`dir/${name}`, name)
    await fs().symlink('../any where\n', at('dir/link'), owner)
    await exec('mkfifo', `${ROOT}/dir/fifo`)
    const entries = await fs().readdir(at('dir'))
    deepStrictEqual(entries.map(({ name }) => name).sort(), [...names, 'link', 'fifo'].sort())
    for (const { name, stat } of entries) deepStrictEqual(stat, await fs().lstat(at(`dir/${name}`)))
    strictEqual(await fs().readlink(at('dir/link')), '../any where\n')
    const { mode, uid, gid } = await fs().lstat(at('dir'))
    deepStrictEqual({ mode, uid, gid }, { mode: 0o1750, ...owner })
    strictEqual((await fs().lstat(at('dir/link'))).uid, owner.uid)
  })

  it('chmod and chown change what they name, links themselves included', async () => {
    await create('target', '')
    await fs().symlink('target', at('link'), owner)
    await fs().chown(at('link'), 77, 78)
    strictEqual((await fs().lstat(at('link'))).uid, 77)
    strictEqual((await fs().lstat(at('target'))).uid, owner.uid)
    await fs().chmod(at('target'), 0o2700)
    strictEqual((await fs().lstat(at('target'))).mode, 0o2700)
  })

  it('rename replaces, unlink and rmdir remove', async () => {
    await create('old', '1')
    await create('new', '2')
    await fs().rename(at('new'), at('old'))
    strictEqual(text(await fs().readFile(at('old'), { maxBytes: 10 })), '2')
    await fs().unlink(at('old'))
    await fs().mkdir(at('gone'), { mode: 0o755, ...owner })
    await fs().rmdir(at('gone'))
    deepStrictEqual([await kindOf(fs().lstat(at('old'))), await kindOf(fs().lstat(at('gone')))], ['not-found', 'not-found'])
  })

  it('every failure has its kind', async () => {
    const options = { mode: 0o755, ...owner }
    await fs().mkdir(at('k'), options)
    await fs().mkdir(at('k/full'), options)
    await fs().mkdir(at('k/empty'), options)
    await create('k/full/file', '12345')
    await fs().symlink('nowhere', at('k/dangling'), owner)
    await fs().symlink('full', at('k/to-dir'), owner)
    await exec('mkfifo', `${ROOT}/k/fifo`)
    const none = new Uint8Array()
    const cases: readonly (readonly [string, Promise<unknown>, string])[] = [
      ['lstat missing', fs().lstat(at('k/none/deeper')), 'not-found'],
      ['lstat below a file', fs().lstat(at('k/full/file/x')), 'not-a-directory'],
      ['lstat long', fs().lstat(at(`k/${'n'.repeat(300)}`)), 'name-too-long'],
      ['readlink of a file', fs().readlink(at('k/full/file')), 'not-a-symlink'],
      ['readdir of a file', fs().readdir(at('k/full/file')), 'not-a-directory'],
      ['readdir of a link', fs().readdir(at('k/to-dir')), 'not-a-directory'],
      ['readFile of a link', fs().readFile(at('k/dangling'), { maxBytes: 9 }), 'not-a-file'],
      ['readFile of a fifo', fs().readFile(at('k/fifo'), { maxBytes: 9 }), 'not-a-file'],
      ['readFile of a directory', fs().readFile(at('k/full'), { maxBytes: 9 }), 'not-a-file'],
      ['readFile of too much', fs().readFile(at('k/full/file'), { maxBytes: 4 }), 'too-large'],
      ['createFile over a file', fs().createFile(at('k/full/file'), none, options), 'already-exists'],
      ['createFile over a dangling link', fs().createFile(at('k/dangling'), none, options), 'already-exists'],
      ['createFile without parent', fs().createFile(at('k/none/x'), none, options), 'not-found'],
      ['mkdir over a directory', fs().mkdir(at('k/full'), options), 'already-exists'],
      ['symlink over a link', fs().symlink('x', at('k/dangling'), owner), 'already-exists'],
      ['rename missing', fs().rename(at('k/none'), at('k/other')), 'not-found'],
      ['rename a file over a directory', fs().rename(at('k/full/file'), at('k/empty')), 'is-a-directory'],
      ['rename a directory over a full one', fs().rename(at('k/empty'), at('k/full')), 'not-empty'],
      ['unlink a directory', fs().unlink(at('k/empty')), 'is-a-directory'],
      ['rmdir full', fs().rmdir(at('k/full')), 'not-empty'],
      ['rmdir of a file', fs().rmdir(at('k/full/file')), 'not-a-directory'],
      ['chmod of a link', fs().chmod(at('k/to-dir'), 0o600), 'not-supported'],
    ]
    const found = await Promise.all(cases.map(async ([name, action]) => [name, await kindOf(action)]))
    deepStrictEqual(
      found,
      cases.map(([name, , kind]) => [name, kind]),
    )
  })

  it('a full file system: no-space, and no file is left', async () => {
    strictEqual(await kindOf(fs().createFile(at('huge'), new Uint8Array(80 * 1024 * 1024), { mode: 0o644, ...owner })), 'no-space')
    strictEqual(await kindOf(fs().lstat(at('huge'))), 'not-found')
  })

  it('extended attributes, many files at once', async () => {
    if (!fixture().session.capabilities.xattrs) return
    await create('with', '')
    await create('with\nout', '')
    const attributes = new Map([
      ['user.a', new Uint8Array([0, 255, 10])],
      ['security.selinux', new Uint8Array(Buffer.from('system_u:object_r:etc_t:s0\0'))],
    ])
    await fs().setXattrs([{ path: at('with'), attributes }])
    deepStrictEqual(await fs().getXattrs([at('with\nout'), at('with')]), [new Map(), attributes])
  })

  it('syncfs, then read-only', async () => {
    await fs().syncfs(toolPath(ROOT))
    await exec('mount', '-o', 'remount,ro', ROOT)
    const kinds = [await kindOf(create('late', '')), await kindOf(fs().unlink(at('target'))), await kindOf(fs().chmod(at('target'), 0o600))]
    await exec('mount', '-o', 'remount,rw', ROOT)
    deepStrictEqual(kinds, ['read-only', 'read-only', 'read-only'])
  })

  it('a hundred calls at once', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `many-${i}`)
    await Promise.all(names.map((name) => create(name, name)))
    const contents = await Promise.all(names.map((name) => fs().readFile(at(name), { maxBytes: 100 })))
    deepStrictEqual(contents.map(text), names)
    ok((await fs().readdir(toolPath(ROOT))).length >= 100)
  })
}
