import { open as openFile, readdir, readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { DeployReport, ProbeReport } from '@host-deployer/api'
import { DeployError, hostPath } from '@host-deployer/driver-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDriver } from './lib/appliance.ts'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { copyImage } from './lib/copy-image.ts'
import { createPhonyDisk, onDisk } from './lib/phony-disk.ts'
import { runCommand, runJson } from './lib/run-command.ts'
import { type StockLike, stockLikeAppliance } from './lib/stock-like/index.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

const MiB = 2 ** 20
// Each session of this kind takes some ten seconds.
const isSoak = process.env['HOST_DEPLOYER_SOAK'] !== undefined
const types: readonly ('ext4' | 'xfs')[] = isSoak ? ['ext4', 'xfs'] : ['ext4']

let space: Workspace
let stock: StockLike
let configured: readonly string[]
beforeAll(async () => {
  space = await createWorkspace('stock')
  stock = await stockLikeAppliance()
  const { kernel, initramfs, password } = stock
  const passwordFile = await space.write('password', `${password}\n`)
  configured = [
    '--driver-config',
    await space.write('driver.json', JSON.stringify({ accel: 'tcg', stock: { kernel, initramfs, passwordFile } })),
  ]
})
afterAll(() => space.remove())

/** Arguments and environment of every process. */
async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const files = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`])
  // A process may end while we look.
  return Promise.all(files.map((file) => readFile(file, 'latin1').catch(() => '')))
}

describe('the command with a stock kernel and initramfs', () => {
  test.each(types)('a guest on %s is deployed, the password is nowhere to be seen, and a probe finds what was written', async (type) => {
    const image = space.path(`${type}.raw`)
    await createPhonyDisk(image, { type, sizeBytes: 512 * MiB })
    const userData = await space.write(
      `${type}.yaml`,
      '#cloud-config\nchpasswd: { expire: false, users: [{ name: root, type: text, password: secret }] }\nwrite_files:\n  - { path: /etc/example.conf, content: "a\\\\b %s $x `y`\\n", permissions: "4750", owner: "root:shadow" }\n',
    )
    // The password itself in the driver's section, and clones asked for: each session boots, and says why.
    const { kernel, initramfs, password } = stock
    const inline = { accel: 'tcg', template: 'auto', stock: { kernel, initramfs, password } }
    const config = await space.write(`${type}.json`, JSON.stringify(inline))
    const deploy = ['deploy', image, '--hostname', 'stock1', '--user-data', userData, '--driver-config', config]
    const running = runCommand(...deploy, '--verbose', '--json')
    let isOver = false
    running.finally(() => (isOver = true))
    const seen = new Set<string>()
    while (!isOver) {
      for (const line of await commandLines()) seen.add(line)
      await delay(200)
    }
    const result = await running
    expect(result.exitCode).toBe(0)
    expect([...seen].filter((line) => line.includes('hostfwd=tcp:127.0.0.1:0-:22'))).not.toEqual([])
    expect([...seen].filter((line) => line.includes(password))).toEqual([])
    expect(`${result.stdout}${result.stderr}`).not.toContain(password)
    const report = JSON.parse(result.stdout) as DeployReport
    expect(report).toMatchObject({ changed: true, facts: { os: { distro: 'debian', major: 12 } } })
    expect(report.diagnostics.map(({ code }) => code)).toEqual(expect.arrayContaining(['APPLIANCE_NO_XATTRS', 'TEMPLATE_UNUSABLE']))
    expect((await runJson<ProbeReport>(['probe', image, ...configured])).os.hostname).toBe('stock1')
    expect(await checkFileSystems(image, 'raw')).toEqual([])
    await onDisk(image, async (session, run) => {
      await run('mount', '-t', type, '-o', 'ro', session.disks[0].device, '/mnt')
      expect(await run('cat', '/mnt/etc/hostname')).toBe('stock1\n')
      expect(await run('cat', '/mnt/etc/example.conf')).toBe('a\\b %s $x `y`\n')
      expect(await run('stat', '-c', '%a %U:%g', '/mnt/etc/example.conf')).toBe('4750 root:42\n')
      await run('umount', '/mnt')
    })
  })

  test('a guest on a logical volume', async () => {
    const image = space.path('lvm.raw')
    await createPhonyDisk(image, { type: 'ext4', sizeBytes: 512 * MiB, layout: 'lvm' })
    const report = await runJson<DeployReport>(['deploy', image, '--hostname', 'stock2', ...configured])
    expect(report).toMatchObject({ changed: true, facts: { storage: { lvm: true } } })
  })

  test('a Debian 12 image of 8 GB, grown to its end', async () => {
    const image = await copyImage('debian-12', space.directory, 'overlay', '8G')
    const deploy = ['deploy', image, '--hostname', 'stock3', '--grow', '--allow-path', '/', ...configured]
    const report = await runJson<DeployReport>(deploy)
    expect(report).toMatchObject({ changed: true, driver: 'qemu-initramfs' })
    expect(report.facts.storage.filesystems.find(({ mountpoint }) => mountpoint === '/')?.sizeBytes).toBeGreaterThan(0)
    const again = await runJson<DeployReport>(deploy)
    expect(again).toMatchObject({ changed: false })
    expect(again.facts.storage.filesystems.find(({ mountpoint }) => mountpoint === '/')?.sizeBytes).toBeGreaterThan(7 * 1024 * MiB)
    expect(await checkFileSystems(image, 'qcow2')).toEqual([])
  })
})

describe('the driver', () => {
  let opened = 0
  const open = async (options: Readonly<Record<string, unknown>>) => {
    opened += 1
    const image = space.path(`empty-${opened}.raw`)
    const file = await openFile(image, 'wx')
    await file.truncate(16 * MiB)
    await file.close()
    const { driver, context } = await openTestDriver({ accel: 'tcg', ...options })
    return driver.open({ disks: [{ id: 'disk0', chain: [{ path: hostPath(image), format: 'raw' }], access: 'read-write' }] }, context)
  }
  const codeOf = (action: Promise<unknown>) =>
    action.then(
      () => 'none',
      (error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)),
    )

  test('the VM reaches nothing of this machine, and only this machine reaches it', async () => {
    const server = createServer((socket) => socket.end('reached\n'))
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
    const { port } = server.address() as AddressInfo
    await using session = await open({ stock })
    for (const host of ['10.0.2.2', '10.0.2.3', '192.0.2.1']) {
      const { stdout } = await session.toolHost.exec(['sh', '-c', 'nc -w 3 "$1" "$2" </dev/null', 'sh', host, String(port)], {
        timeoutMs: 30_000,
      })
      expect(Buffer.from(stdout).toString()).toBe('')
    }
    server.close()
    // As root each VM has a user id of its own out of the driver's range: what listens under one of those is QEMU.
    const listening = (await readFile('/proc/self/net/tcp', 'latin1')).split('\n').map((line) => line.trim().split(/\s+/))
    const forwards = listening.filter(([, , , state, , , , uid]) => state === '0A' && Number(uid) >= 1_879_048_192)
    expect([...new Set(forwards.map(([, local = '']) => local.split(':')[0]))]).toEqual(['0100007F'])
  })

  test('a wrong password, in a VM of the caller: DRIVER_SSH_DENIED once the time is over', async () => {
    const { kernel, initramfs } = stock
    expect(await codeOf(open({ bootTimeoutMs: 20_000, user: 'caller', stock: { kernel, initramfs, password: 'another' } }))).toBe(
      'DRIVER_SSH_DENIED',
    )
  })

  test('files that are not there: DRIVER_STOCK_FILE', async () => {
    const { kernel, initramfs, password } = stock
    const missing = space.path('missing')
    const empty = await space.write('empty', '\n')
    for (const wrong of [
      { kernel: missing, initramfs, password },
      { kernel, initramfs: missing, password },
      { kernel, initramfs, passwordFile: missing },
      { kernel, initramfs, passwordFile: empty },
    ]) {
      expect(await codeOf(open({ stock: wrong }))).toBe('DRIVER_STOCK_FILE')
    }
  })
})
