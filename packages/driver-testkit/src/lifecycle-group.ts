import { deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { codeOf, DISK_BYTES, disksOf, sizeOf } from './fixture.ts'
import { type Group, text } from './group.ts'
import { listTree } from './residue.ts'
import { createRawImage, digestOf, isFree } from './test-images.ts'

/** Opening, refusing, cancelling. */
export const lifecycleGroup: Group = ({ it }, fixture) => {
  const tool = async (...argv: [string, ...string[]]): Promise<{ readonly code: number | null; readonly out: string }> => {
    const { exitCode, stdout } = await fixture().session.toolHost.exec(argv, { timeoutMs: 60_000 })
    return { code: exitCode, out: text(stdout) }
  }

  it('probe finds the driver usable and leaves nothing', async () => {
    const before = await listTree(fixture().workDirectory)
    const { usable, findings } = await fixture().driver.probe(fixture().context)
    ok(usable, JSON.stringify(findings))
    ok(findings.length > 0)
    deepStrictEqual(await listTree(fixture().workDirectory), before)
  })

  it('the disks are those of the request, in its order', async () => {
    const { session, images } = fixture()
    deepStrictEqual(
      session.disks.map(({ id, sizeBytes, readOnly }) => ({ id, sizeBytes, readOnly })),
      disksOf(images).map(({ id, access }) => ({ id, sizeBytes: sizeOf[id], readOnly: access === 'read-only' })),
    )
    strictEqual(new Set(session.disks.map(({ device }) => device)).size, session.disks.length)
    for (const { device, sizeBytes } of session.disks)
      strictEqual((await tool('blockdev', '--getsize64', device)).out.trim(), String(sizeBytes))
  })

  it('where disks are isolated there are no others, and no way out', async () => {
    const { session } = fixture()
    if (!session.capabilities.isolated) return
    const { out } = await tool('lsblk', '--nodeps', '--noheadings', '--paths', '--output', 'NAME')
    deepStrictEqual(
      out
        .split('\n')
        .filter((name) => name !== '')
        .sort(),
      session.disks.map(({ device }) => String(device)).sort(),
    )
    notStrictEqual((await tool('cat', '/proc/sys/kernel/random/boot_id')).out, await readFile('/proc/sys/kernel/random/boot_id', 'utf8'))
    // A driver may talk to its machine over an interface; that one must lead nowhere else: no default route, see proc_pid_net(5).
    const routes = await session.toolHost.fs.readFile('/proc/net/route' as never, { maxBytes: 65_536 })
    deepStrictEqual(
      text(routes)
        .split('\n')
        .filter((line) => line.split(/\s+/)[1] === '00000000'),
      [],
    )
  })

  it('a read-only disk refuses writes', async () => {
    notStrictEqual(
      (await tool('dd', 'if=/dev/urandom', `of=${fixture().disk('sealed').device}`, 'bs=4096', 'count=1', 'conv=fsync')).code,
      0,
    )
  })

  it('writes to the others succeed', async () => {
    for (const id of ['image-2', 'scratch', 'overlay']) {
      const script = `printf 'written to ${id}' | dd of=${fixture().disk(id).device} bs=512 seek=2048 conv=fsync`
      strictEqual((await tool('sh', '-c', script)).code, 0)
    }
  })

  it('partition nodes appear where the session says so', async () => {
    if (!fixture().session.capabilities.partitionNodes) return
    const { device } = fixture().disk('scratch')
    const { exitCode } = await fixture().session.toolHost.exec(['sfdisk', '-q', device], { stdin: 'label: gpt\nsize=8MiB\nsize=8MiB\n' })
    strictEqual(exitCode, 0)
    strictEqual((await tool('blockdev', '--getsize64', `${device}2`)).out.trim(), String(8 * 1024 * 1024))
  })

  it('logical volumes can be made and activated where the session says so', async () => {
    if (!fixture().session.capabilities.lvm) return
    const { device } = fixture().disk('scratch')
    const script = `dd if=/dev/zero of=${device} bs=1M count=1 conv=fsync && dd if=/dev/zero of=${device} bs=1M seek=$(($(blockdev --getsz ${device}) / 2048 - 1)) conv=fsync; blockdev --rereadpt ${device} && vgcreate -q testkit-vg ${device} && lvcreate -q -y -n lv -L 16M testkit-vg && vgchange -q -an testkit-vg && vgchange -q -ay testkit-vg`
    strictEqual((await tool('sh', '-c', `${script} >/dev/null`)).code, 0)
    strictEqual((await tool('blockdev', '--getsize64', '/dev/testkit-vg/lv')).out.trim(), String(16 * 1024 * 1024))
    strictEqual((await tool('vgchange', '-q', '-an', 'testkit-vg')).code, 0)
  })

  it("the guest's programs run in the root they are given, where the session says so", async () => {
    const { guestExec, capabilities } = fixture().session
    strictEqual(guestExec !== undefined, capabilities.guestExec)
    if (guestExec === undefined) return
    strictEqual(text((await guestExec.chroot('/', ['echo', "it's"])).stdout), "it's\n")
    strictEqual((await guestExec.chroot('/', ['sh', '-c', 'exit 127'])).exitCode, 127)
    strictEqual(await codeOf(guestExec.chroot('/', ['no-such-program'])), 'EXEC_NOT_FOUND')
  })

  it('an image that is open for writing is locked', async () => {
    const { images, open } = fixture()
    strictEqual(await isFree(images.data), false)
    strictEqual(await codeOf(open({ disks: [{ id: 'again', access: 'read-write', chain: [images.data] }] })), 'IMAGE_LOCKED')
  })

  it('all disks or none: a refusal names its reason and leaves the others free', async () => {
    const { directory, images, open } = fixture()
    const good = await createRawImage(directory, 'good', DISK_BYTES)
    const damaged = hostPath(join(directory, 'damaged.qcow2'))
    await writeFile(damaged, await readFile(images.image.path))
    await truncate(damaged, 70_000)
    const folder = hostPath(join(directory, 'folder'))
    await mkdir(folder)
    const refusals: readonly (readonly [string, 'raw' | 'qcow2', string])[] = [
      [hostPath(join(directory, 'none.raw')), 'raw', 'IMAGE_NOT_FOUND'],
      [damaged, 'qcow2', 'IMAGE_DAMAGED'],
      [good.path, 'qcow2', 'IMAGE_DAMAGED'],
      [folder, 'raw', 'IMAGE_NOT_A_DISK'],
    ]
    for (const [path, format, code] of refusals) {
      const second = { id: 'second', access: 'read-write', chain: [{ path: hostPath(path), format }] } as const
      strictEqual(
        await codeOf(open({ disks: [{ id: 'first', access: 'read-write', chain: [good] }, second] })),
        code,
        `${path} as ${format}`,
      )
      strictEqual(await isFree(good), true)
    }
  })

  it('a backing file that is not in the chain is never opened', async () => {
    const { images, open } = fixture()
    const before = await digestOf(images.base.path)
    strictEqual(await codeOf(open({ disks: [{ id: 'alone', access: 'read-only', chain: [images.overlay] }] })), 'IMAGE_CHAIN_MISMATCH')
    strictEqual(await digestOf(images.base.path), before)
  })

  it('cancelling, before and at several moments: ABORTED, and the image is free', async () => {
    const { directory, open } = fixture()
    const image = await createRawImage(directory, 'cancelled', DISK_BYTES)
    const disks = [{ id: 'cancelled', access: 'read-write', chain: [image] }] as const
    for (const afterMs of [0, 1, 60, 400]) {
      const signal = afterMs === 0 ? AbortSignal.abort() : AbortSignal.timeout(afterMs)
      strictEqual(await codeOf(open({ disks }, { signal })), 'ABORTED', `after ${afterMs} ms`)
      strictEqual(await isFree(image), true)
    }
  })
}
