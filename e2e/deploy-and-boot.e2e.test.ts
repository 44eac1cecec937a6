import type { DeployReport } from '@host-deployer/api'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootGuest, type GuestShell, type RunningGuest } from './lib/boot-guest.ts'
import { copyImage } from './lib/build-image.ts'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { digestOf } from './lib/digest-of.ts'
import type { ImageName } from './lib/image-definitions.ts'
import { runJson } from './lib/run-command.ts'
import { metaData, networkConfig, scenario, userData } from './lib/scenario.ts'
import { createKeyPair, createWorkspace, type Workspace } from './lib/workspace.ts'

const images: readonly { readonly name: ImageName; readonly as: 'overlay' | 'raw'; readonly rootType: string }[] = [
  { name: 'debian-12', as: 'overlay', rootType: 'ext4' },
  { name: 'debian-12', as: 'raw', rootType: 'ext4' },
  { name: 'debian-13', as: 'overlay', rootType: 'xfs' },
]

describe.each(images)('$name as $as', ({ name, as, rootType }) => {
  const key = createKeyPair('alice@example')
  let space: Workspace
  let image: string
  let deployArguments: string[]
  let report: DeployReport

  beforeAll(async () => {
    space = await createWorkspace(name)
    image = await copyImage(name, space.directory, as)
    await execa('qemu-img', ['resize', '-q', '-f', as === 'raw' ? 'raw' : 'qcow2', image, '8G'])
    await space.write('user-data', userData(key))
    await space.write('meta-data', metaData)
    await space.write('network-config', networkConfig)
    deployArguments = ['deploy', image, '--seed', space.directory, '--allow-path', '/']
  })
  afterAll(() => space.remove())

  test('a dry run shows the diff and leaves every byte as it was', async () => {
    const before = await digestOf(image)
    const dry = await runJson<DeployReport>([...deployArguments, '--dry-run'])
    expect(dry).toMatchObject({ dryRun: true, changed: true })
    expect(dry.diff.map(({ path }) => path)).toContain('/etc/example/app.conf')
    expect(await digestOf(image)).toBe(before)
  })

  test('the deploy reports what it changed, the same request again changes nothing', async () => {
    report = await runJson<DeployReport>(deployArguments)
    expect(report).toMatchObject({
      changed: true,
      driver: 'qemu-initramfs',
      facts: { storage: { filesystems: expect.arrayContaining([expect.objectContaining({ mountpoint: '/', type: rootType })]) } },
    })
    expect(report.operations.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(JSON.stringify(report)).not.toContain(scenario.rootPassword.slice(0, 8))

    const before = await digestOf(image)
    const again = await runJson<DeployReport>(deployArguments)
    expect(again).toMatchObject({ changed: false, diff: [] })
    expect(await digestOf(image)).toBe(before)
  })

  test('the guest boots by its own boot loader and is what was asked for', async () => {
    await using guest = await bootGuest(image, { format: as === 'raw' ? 'raw' : 'qcow2', address: scenario.address, mac: scenario.mac })
    await guest.waitForConsole(/web1 login:/)
    await expectScenario(guest, key.privateKey)
    await guest.powerOff()
  })

  test('the file systems are clean afterwards', async () => {
    expect(await checkFileSystems(image, as === 'raw' ? 'raw' : 'qcow2')).toEqual([])
  })
})

async function expectScenario(guest: RunningGuest, privateKey: string): Promise<void> {
  using alice = await guest.login('alice', { privateKey })
  using byPassword = await guest.login('alice', { password: scenario.alicePassword })
  using root = await guest.login('root', { password: scenario.rootPassword })

  expect(await text(byPassword, 'id -un')).toBe('alice')
  expect(await text(alice, 'sudo -n id -u')).toBe('0')
  expect((await text(alice, 'id -nG')).split(' ').sort()).toEqual(['alice', 'operators', 'sudo'])
  expect(await text(root, 'hostname')).toBe(scenario.hostname)
  expect(await text(root, 'hostname -f')).toBe(scenario.fqdn)
  expect(await text(root, 'date +%Z')).toBe('JST')
  expect(await text(root, "stat -c '%a %U %G %s' /etc/example/app.conf")).toBe('640 alice operators 16')
  expect(await text(alice, 'hello')).toBe('hello from web1')

  const addresses = await text(root, 'ip -o addr show scope global')
  expect(addresses).toContain(`${scenario.address}/24`)
  expect(addresses).toContain('fd00:1234::50/64')
  expect(await text(root, 'ip route show default')).toContain('via 10.0.2.2')
  expect(await text(root, 'ip route show 192.0.2.0/24')).toContain('via 10.0.2.9')
  expect(await text(root, 'cat /sys/class/net/uplink0/mtu /sys/class/net/uplink0/address')).toBe(`1400\n${scenario.mac}`)

  // "late" comes when the system is up: wait for the unit by its result, through systemd.
  await text(root, 'systemctl is-system-running --wait || true')
  expect(await text(root, 'cat /var/tmp/first-boot')).toBe('early\nlate\nargument with $HOME')
  expect(await text(root, 'ls /etc/systemd/system /var/lib/host-deployer 2>/dev/null | grep -c first-boot || true')).toBe('0')
  expect(Number(await text(root, 'df --output=size -B1 / | tail -1'))).toBeGreaterThan(4 * 2 ** 30)
  expect(await text(root, 'systemctl --failed --plain --no-legend')).toBe('')
}

async function text(shell: GuestShell, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await shell.run(command)
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`)
  return stdout.trim()
}
