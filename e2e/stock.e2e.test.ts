import { open as openFile, readdir, readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { DeployReport, ProbeReport } from '@host-deployer/api'
import { DeployError, hostPath } from '@host-deployer/driver-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDriver } from './lib/appliance.ts'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { copyImage } from './lib/copy-image.ts'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { readGuest } from './lib/read-guest.ts'
import { runCommand, runJson } from './lib/run-command.ts'
import { type StockLike, stockLikeAppliance } from './lib/stock-like/index.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

const MiB = 2 ** 20
const isSoak = process.env['HOST_DEPLOYER_SOAK'] !== undefined

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

/** Runs the command until its end, and says what the arguments and environments of all processes were meanwhile. */
async function watched(...args: readonly string[]) {
  const running = runCommand(...args)
  let isOver = false
  const seen = new Set<string>()
  const look = async () => {
    while (!isOver) {
      for (const line of await commandLines()) seen.add(line)
      await delay(200)
    }
  }
  const looking = look()
  const result = await running
  isOver = true
  await looking
  return { ...result, seen: [...seen] }
}

const userData = `#cloud-config
chpasswd: { expire: false, users: [{ name: root, type: text, password: secret }] }
write_files:
  - { path: /etc/example.conf, content: "a\\\\b %s $x \`y\`\\n", permissions: "4750", owner: "root:shadow" }
`

describe('the command with a stock kernel and initramfs', () => {
  test('Debian 13 on a logical volume is deployed and grown to its end, once; the password is nowhere to be seen', async () => {
    const image = await copyImage('debian-13', space.directory, 'overlay', '8G')
    const request = [
      'deploy',
      image,
      '--hostname',
      'stock1',
      '--user-data',
      await space.write('user-data', userData),
      '--grow',
      '--allow-path',
      '/',
    ]
    // The password itself in the driver's section, and clones asked for: each session boots, and says why.
    const { kernel, initramfs, password } = stock
    const inline = { accel: 'tcg', template: 'auto', stock: { kernel, initramfs, password } }
    const config = await space.write('inline.json', JSON.stringify(inline))
    const { exitCode, stdout, stderr, seen } = await watched(...request, '--driver-config', config, '--verbose', '--json')
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(seen.filter((line) => line.includes('hostfwd=tcp:127.0.0.1:0-:22'))).not.toEqual([])
    expect(seen.filter((line) => line.includes(password))).toEqual([])
    expect(`${stdout}${stderr}`).not.toContain(password)
    const report = JSON.parse(stdout) as DeployReport
    expect(report).toMatchObject({
      changed: true,
      driver: 'qemu-initramfs',
      facts: { os: { distro: 'debian', major: 13 }, storage: { lvm: true } },
    })
    expect(report.diagnostics.map(({ code }) => code)).toEqual(expect.arrayContaining(['APPLIANCE_NO_XATTRS', 'TEMPLATE_UNUSABLE']))

    const again = await runJson<DeployReport>([...request, ...configured])
    expect(again).toMatchObject({ changed: false, facts: { os: { hostname: 'stock1' } } })
    expect(again.facts.storage.filesystems.find(({ mountpoint }) => mountpoint === '/')?.sizeBytes).toBeGreaterThan(7 * 1024 * MiB)
    expect(await checkFileSystems(image, 'qcow2')).toEqual([])
    await readGuest(image, 'qcow2', async ({ text, access }) => {
      expect(await text('/etc/hostname')).toBe('stock1\n')
      expect(await text('/etc/example.conf')).toBe('a\\b %s $x `y`\n')
      expect(await access('/etc/example.conf')).toBe('4750 0:42')
    })
  })

  // Each session of this kind takes some ten seconds.
  if (isSoak)
    describe('other file systems', () => {
      test.each([
        ['ext4', 'whole'],
        ['xfs', 'whole'],
        ['ext4', 'lvm'],
      ] as const)('a guest on %s, %s', async (type, layout) => {
        const image = space.path(`${type}-${layout}.raw`)
        await createPhonyDisk(image, { type, layout, sizeBytes: 512 * MiB })
        const report = await runJson<DeployReport>(['deploy', image, '--hostname', 'stock2', ...configured])
        expect(report).toMatchObject({ changed: true, facts: { os: { major: 12 }, storage: { lvm: layout === 'lvm' } } })
        expect((await runJson<ProbeReport>(['probe', image, ...configured])).os.hostname).toBe('stock2')
        expect(await checkFileSystems(image, 'raw')).toEqual([])
      })

      test('a Debian 12 image of 8 GB, grown to its end', async () => {
        const image = await copyImage('debian-12', space.directory, 'overlay', '8G')
        const deploy = ['deploy', image, '--hostname', 'stock3', '--grow', '--allow-path', '/', ...configured]
        expect(await runJson<DeployReport>(deploy)).toMatchObject({ changed: true, driver: 'qemu-initramfs' })
        const again = await runJson<DeployReport>(deploy)
        expect(again).toMatchObject({ changed: false })
        expect(again.facts.storage.filesystems.find(({ mountpoint }) => mountpoint === '/')?.sizeBytes).toBeGreaterThan(7 * 1024 * MiB)
        expect(await checkFileSystems(image, 'qcow2')).toEqual([])
      })
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
    const wrong = { user: 'caller', stock: { kernel, initramfs, password: 'another' } }
    const first = await codeOf(open({ ...wrong, bootTimeoutMs: 20_000 }))
    // All of the time is used, so it is short; a machine that boots for so long gets more.
    expect(first === 'TIMEOUT_BOOT' ? await codeOf(open({ ...wrong, bootTimeoutMs: 90_000 })) : first).toBe('DRIVER_SSH_DENIED')
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
