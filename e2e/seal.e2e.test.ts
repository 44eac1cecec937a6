import type { DeployReport } from '@host-deployer/api'
import { beforeAll, expect, test } from 'vitest'
import { bootGuest, type GuestShell } from './lib/boot-guest.ts'
import { copyImage } from './lib/copy-image.ts'
import { runJson } from './lib/run-command.ts'
import { networkConfig, scenario } from './lib/scenario.ts'
import { createKeyPair, createWorkspace, type Workspace } from './lib/workspace.ts'

// A machine's life as a platform sees it: deployed with an account to log in to, used, made a template, and booted as another machine.
const key = createKeyPair('@platform')
const password = 'r00t:of:all "evil"'
let space: Workspace
let image: string

interface Identity {
  readonly machineId: string
  readonly hostKeys: readonly string[]
}

beforeAll(async () => {
  space = await createWorkspace('seal')
  image = await copyImage('debian-12', space.directory, 'overlay', '8G')
})

async function deploy(userData: string): Promise<DeployReport> {
  await space.write('user-data', `#cloud-config\n${userData}`)
  return runJson<DeployReport>(['deploy', image, '--seed', space.directory, '--allow-path', '/'])
}

async function lines(root: GuestShell, command: string): Promise<string[]> {
  const { stdout } = await root.run(command)
  return stdout.split('\n').filter((line) => line !== '')
}

async function identityOf(root: GuestShell): Promise<Identity> {
  const [machineId = ''] = await lines(root, 'cat /etc/machine-id')
  return { machineId, hostKeys: await lines(root, 'cut -d" " -f2 /etc/ssh/ssh_host_*_key.pub') }
}

async function boot(look: (root: GuestShell) => Promise<void>): Promise<void> {
  await using guest = await bootGuest(image, { format: 'qcow2', address: scenario.address, mac: scenario.mac })
  await guest.waitForConsole(/web1 login:/)
  {
    using byPassword = await guest.login('root', { password })
    expect(await lines(byPassword, 'id -un')).toEqual(['root'])
  }
  using root = await guest.login('root', { privateKey: key.privateKey })
  await look(root)
  await guest.powerOffAtOnce(root)
}

test('two machines from one image share nothing that tells them apart', async () => {
  const request = `hostname: web1
login_account: {password: ${JSON.stringify(password)}, ssh_authorized_keys: ['${key.publicKey}']}
mounts: [[tmpfs, /srv/my data, tmpfs, 'size=1M']]
`
  await space.write('network-config', networkConfig)
  expect(await deploy(request)).toMatchObject({ changed: true, loginAccount: 'root' })

  let first: Identity | undefined
  await boot(async (root) => {
    first = await identityOf(root)
    expect(first.machineId).toMatch(/^[0-9a-f]{32}$/)
    expect(first.hostKeys.length).toBeGreaterThan(0)
    expect(await lines(root, 'findmnt -n -o FSTYPE "/srv/my data"; stat -c %a /tmp')).toEqual(['tmpfs', '1777'])
    await root.run('echo secret > /root/.bash_history; echo x > /var/tmp/x; logger remember-this; journalctl --sync')
    expect(await lines(root, 'grep -rl remember-this /var/log')).not.toEqual([])
  })

  await space.write('network-config', '')
  const sealed = await deploy('seal: true\n')
  expect(sealed).toMatchObject({ changed: true, loginAccount: null })
  expect(sealed.diff.map(({ path }) => path)).toEqual(expect.arrayContaining(['/etc/machine-id', '/root/.bash_history', '/var/tmp/x']))
  expect(await deploy('seal: true\n')).toMatchObject({ changed: false, diff: [] })

  await boot(async (root) => {
    const second = await identityOf(root)
    expect(second.machineId).toMatch(/^[0-9a-f]{32}$/)
    expect(second.machineId).not.toBe(first?.machineId)
    // RSA, ECDSA and Ed25519, whichever the image had.
    expect(second.hostKeys).toHaveLength(3)
    for (const hostKey of second.hostKeys) expect(first?.hostKeys).not.toContain(hostKey)
    expect(await lines(root, 'systemctl is-system-running --wait; systemctl --failed --plain --no-legend')).toEqual(['running'])
    expect(await lines(root, 'grep -rl remember-this /var/log; ls /var/tmp/x /root/.bash_history /var/lib/host-deployer')).toEqual([])
    expect(await lines(root, 'ls /var/log/journal')).toEqual([second.machineId])
  })
}, 600_000)
