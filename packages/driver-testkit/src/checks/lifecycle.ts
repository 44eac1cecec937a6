import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DiskRequest, hostPath, toolPath } from '@host-deployer/driver-api'
import { defineChecks } from '../check.ts'
import { needTool, text } from '../device-tools.ts'
import { createDisks, MIB } from '../disks.ts'
import { codeOf } from '../expect-error.ts'
import { readVirtualBytes } from '../read-image.ts'
import { createQcow2Image, createRawImage, digestOf } from '../test-images.ts'

const writable = (id: string, image: DiskRequest['chain'][0]): DiskRequest => ({ id, access: 'read-write', chain: [image] })

/** What a driver and its sessions are, and what they refuse. */
export const lifecycleChecks = defineChecks('lifecycle', {
  shape: {
    title: 'the driver has an API version this kit knows, and a name',
    async run({ driver }) {
      strictEqual(driver.apiVersion, 1)
      match(driver.name, /^[a-z][a-z0-9-]{0,63}$/)
    },
  },
  options: {
    title: 'every option has a default, and a section that is none comes back with issues',
    async run({ driver }) {
      const { validate } = driver.options['~standard']
      strictEqual((await validate({})).issues, undefined, 'an empty section is refused')
      const wrong = (await validate(42)).issues
      ok(wrong !== undefined && wrong.length > 0, 'the number 42 is taken for a section')
    },
  },
  probe: {
    title: 'probe finds the driver usable, says what it found, and changes nothing',
    async run(bed) {
      const { usable, findings } = await bed.driver.probe(bed.context)
      strictEqual(usable, true, JSON.stringify(findings))
      ok(findings.length > 0, 'no findings')
      for (const { subject, ok: isFine, detail } of findings) {
        deepStrictEqual([typeof subject, typeof isFine, typeof detail], ['string', 'boolean', 'string'])
      }
      deepStrictEqual(await bed.residue(), [])
    },
  },
  prepare: {
    title: 'prepare, where the driver has it, makes once and finds from then on, leaves nothing else, and can be cancelled',
    timeoutMs: 120_000,
    async run(bed) {
      const prepare = bed.driver.prepare?.bind(bed.driver)
      if (prepare === undefined) return
      const first = await prepare(bed.context)
      const second = await prepare(bed.context)
      strictEqual(second.outcome, first.outcome === 'nothing' ? 'nothing' : 'found')
      deepStrictEqual(second.artefact, first.artefact)
      strictEqual(first.artefact === undefined, first.outcome === 'nothing')
      strictEqual(await codeOf(prepare({ ...bed.context, signal: AbortSignal.abort() })), 'ABORTED')
      deepStrictEqual(await bed.residue(), [])
    },
  },
  session: {
    title: 'a session says what it can do, how it was made and what was noticed',
    async run(bed) {
      const { capabilities, info, diagnostics, guestExec } = await bed.session()
      const names = ['guestExec', 'isolated', 'lvm', 'partitionNodes', 'xattrs'] as const
      deepStrictEqual(
        names.map((name) => typeof capabilities[name]),
        names.map(() => 'boolean'),
      )
      ok(['kvm', 'tcg', 'none'].includes(info.accelerator), info.accelerator)
      for (const [step, ms] of Object.entries(info.timings)) ok(Number.isFinite(ms) && ms >= 0, step)
      ok(Array.isArray(diagnostics))
      strictEqual(guestExec !== undefined, capabilities.guestExec)
    },
  },
  isolated: {
    title: 'an isolated tool host has another kernel, no other disks and no way out',
    needs: ['isolated'],
    async run(bed) {
      const { toolHost, disks } = await bed.session()
      const bootId = '/proc/sys/kernel/random/boot_id'
      notStrictEqual(await needTool(toolHost, 'cat', bootId), await readFile(bootId, 'utf8'), 'this machine\u2019s own kernel')
      const listed = await needTool(toolHost, 'lsblk', '--nodeps', '--noheadings', '--paths', '--output', 'NAME')
      const names = listed.split('\n').filter((name) => name !== '')
      deepStrictEqual(names.sort(), disks.map(({ device }) => String(device)).sort())
      // A driver may talk to its machine over an interface: it must lead to nobody else. No default route, see proc_pid_net(5).
      const routes = text(await toolHost.fs.readFile(toolPath('/proc/net/route'), { maxBytes: 65_536 })).split('\n')
      deepStrictEqual(
        routes.filter((line) => line.split(/\s+/)[1] === '00000000'),
        [],
      )
    },
  },
  'guest-exec': {
    title: 'the guest\u2019s programs run in the root they are given, with results and errors as exec has them',
    needs: ['guestExec'],
    async run(bed) {
      const { guestExec } = await bed.session()
      ok(guestExec !== undefined)
      strictEqual(text((await guestExec.chroot('/', ['echo', "it's"])).stdout), "it's\n")
      strictEqual((await guestExec.chroot('/', ['sh', '-c', 'exit 127'])).exitCode, 127)
      strictEqual(await codeOf(guestExec.chroot('/', ['no-such-program'])), 'EXEC_NOT_FOUND')
    },
  },
  'close-twice': {
    title: 'close is idempotent, also when called at once, and await using closes',
    async run(bed) {
      const session = await bed.open({ disks: [writable('closed', await createRawImage(bed.directory, 'close-twice', MIB))] })
      await Promise.all([session.close(), session.close()])
      await session.close()
      await session[Symbol.asyncDispose]()
    },
  },
  'close-releases': {
    title: 'a closed session leaves nothing, and its image can be opened again',
    async run(bed) {
      await bed.close()
      const disks = [writable('again', await createRawImage(bed.directory, 'close-releases', MIB))] as const
      await (await bed.open({ disks })).close()
      deepStrictEqual(await bed.residue(), [])
      const { [Symbol.asyncDispose]: dispose } = await bed.open({ disks })
      await dispose()
      deepStrictEqual(await bed.residue(), [])
    },
  },
  'close-mounted': {
    title: 'a session that is closed with file systems mounted, one inside of the other, ends well and leaves nothing',
    async run(bed) {
      await bed.close()
      const directory = await bed.makeDirectory('close-mounted')
      const { data, image } = await createDisks(directory)
      await bed.inSession({ disks: [data, image] }, async ({ toolHost, disks }) => {
        for (const [index, { device }] of disks.entries()) {
          // A name that tables of mounts write in another way.
          const point = `${directory}/mnt${'/a b'.repeat(index)}`
          await needTool(toolHost, 'mkfs.ext4', '-q', '-F', '-E', 'nodiscard', device)
          await needTool(toolHost, 'mkdir', '-p', point)
          await needTool(toolHost, 'mount', '-t', 'ext4', '-o', 'nodev,nosuid,noexec', device, point)
        }
      })
      for (const { chain } of [data, image]) deepStrictEqual([...(await readVirtualBytes(chain[0], 1024 + 0x38, 2))], [0x53, 0xef])
      deepStrictEqual(await bed.residue(), [])
    },
  },
  'closed-refuses': {
    title: 'once it is closed nothing runs on an isolated tool host any more',
    needs: ['isolated'],
    async run(bed) {
      const session = await bed.open({ disks: [writable('closed', await createRawImage(bed.directory, 'closed-refuses', MIB))] })
      await session.close()
      notStrictEqual(await codeOf(session.toolHost.exec(['true'])), 'none')
    },
  },
  refusals: {
    title: 'all disks or none: a refusal has the code of its reason and leaves the other disks free',
    async run(bed) {
      await bed.close()
      const directory = await bed.makeDirectory('refusals')
      const good = await createRawImage(directory, 'good', MIB)
      const damaged = (await createQcow2Image(directory, 'damaged', MIB)).path
      await truncate(damaged, 70_000)
      const folder = join(directory, 'folder')
      await mkdir(folder)
      const refusals: readonly (readonly [string, 'raw' | 'qcow2', string])[] = [
        [join(directory, 'none.raw'), 'raw', 'IMAGE_NOT_FOUND'],
        [damaged, 'qcow2', 'IMAGE_DAMAGED'],
        [good.path, 'qcow2', 'IMAGE_DAMAGED'],
        [folder, 'raw', 'IMAGE_NOT_A_DISK'],
      ]
      for (const [path, format, code] of refusals) {
        const disks = [writable('first', good), writable('second', { path: hostPath(path), format })] as const
        strictEqual(await codeOf(bed.open({ disks })), code, `${path} as ${format}`)
        deepStrictEqual(await bed.residue(), [], `after ${code}`)
      }
      strictEqual(await codeOf(bed.open({ disks: [writable('first', good)] })), 'none', 'the good disk is still taken')
    },
  },
  'chain-mismatch': {
    title: 'a backing file that is not in the chain is never opened: IMAGE_CHAIN_MISMATCH',
    async run(bed) {
      const directory = await bed.makeDirectory('chain-mismatch')
      const secret = hostPath(join(directory, 'secret'))
      await writeFile(secret, 'x'.repeat(MIB))
      const before = await digestOf(secret)
      const image = await createQcow2Image(directory, 'greedy', MIB, { path: secret, format: 'raw' })
      strictEqual(await codeOf(bed.open({ disks: [{ id: 'greedy', access: 'read-only', chain: [image] }] })), 'IMAGE_CHAIN_MISMATCH')
      strictEqual(await digestOf(secret), before)
    },
  },
})
