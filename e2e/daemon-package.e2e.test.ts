import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createDeployClient, type DeployParamsInput } from '@host-deployer/api/grpc'
import { execa } from 'execa'
import { getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cached, digest } from './lib/cache.ts'
import { ensureBaseImage } from './lib/docker/base-image.ts'
import { mustExec } from './lib/docker/container.ts'
import { ensureDebianPackage } from './lib/docker/debian-package.ts'
import { type DockerEngine, startDockerEngine } from './lib/docker/engine.ts'
import { createFieldHost, type FieldHost } from './lib/docker/field-daemon.ts'
import { machinePackages, startSystemdMachine } from './lib/docker/systemd-machine.ts'
import { askStatus } from './lib/running-daemon.ts'
import { stopMachineOf } from './lib/stop-machine-of.ts'
import { createWorkspace } from './lib/workspace.ts'

// The Debian package and its unit on a Debian with systemd: from the installation to what is left after a purge.

const UNIT = 'host-deployer.service'
const LATER = '99.0.0'
const TEMPLATES = '/var/cache/host-deployer/templates'
let engine: DockerEngine
let deb: string
let host: FieldHost
let machine: StartedTestContainer

beforeAll(async () => {
  engine = await startDockerEngine('package')
  deb = await ensureDebianPackage()
  const image = await ensureBaseImage('machine', await machinePackages())
  const space = await createWorkspace('daemon-package')
  host = await createFieldHost(space.directory, 'deploy_concurrent: 2\n')
  // A program of the field's own, in no package.
  const yunion = join(space.directory, 'opt', 'yunion', 'bin')
  await mkdir(yunion, { recursive: true })
  await writeFile(join(yunion, 'host-deployer'), '#!/bin/sh\necho the old one\n')
  await chmod(join(yunion, 'host-deployer'), 0o755)
  machine = await startSystemdMachine(image, [
    { source: dirname(deb), target: '/deb' },
    { source: host.outside('/etc/yunion'), target: '/etc/yunion' },
    { source: host.outside('/opt/cloud'), target: '/opt/cloud' },
    { source: host.outside('/opt/yunion'), target: '/opt/yunion' },
    { source: host.outside('/run/onecloud'), target: '/run/onecloud' },
  ])
})

afterAll(async () => {
  if (machine !== undefined) {
    const { dockerode } = (await getContainerRuntimeClient()).container
    await dockerode.getContainer(machine.getId()).remove({ force: true, v: true })
  }
  await engine?.stop()
})

const run = (...command: string[]): Promise<string> => mustExec(machine, command)

/** What systemd says of the unit. */
async function unit(): Promise<Record<string, string>> {
  const text = await run('systemctl', 'show', UNIT)
  return Object.fromEntries(text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** Every file of the machine but what changes by itself, what others see too, and the records of dpkg, apt and systemd. */
async function files(): Promise<string[]> {
  const others = ['/proc', '/sys', '/dev', '/run', '/tmp', '/deb', '/opt/cloud', '/opt/yunion', '/etc/yunion']
  const records = ['/var/lib/dpkg', '/var/lib/apt', '/var/log', '/var/cache/apt', '/var/cache/ldconfig', '/var/cache/debconf', '/var/tmp']
  const prune = [...others, ...records, '/var/lib/systemd'].flatMap((path) => ['-path', path, '-prune', '-o'])
  return (await run('find', '/', ...prune, '-print')).split('\n').sort()
}

async function deploy(name: string, created?: string): Promise<unknown> {
  const disk = created ?? (await host.createDisk(name, 'debian-12'))
  const client = createDeployClient(host.socketPath)
  const params: DeployParamsInput = {
    disk_info: { path: disk },
    guest_desc: { name, hostname: name, uuid: '6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d', Hypervisor: 'kvm', disks: [{ path: disk }] },
    deploy_info: { is_init: true, default_root_user: true, password: 'Correct-Horse-9' },
  }
  return client.deployGuestFs(params).finally(() => client.close())
}

/** From outside, since the command may take as long as a deploy does. */
async function untilBusy(): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const { Pid } = (await dockerode.getContainer(machine.getId()).inspect()).State
  const socket = `/proc/${Pid}/root/var/lib/host-deployer/admin.sock`
  await expect.poll(async () => (await askStatus(socket)).work.slots.busy, { timeout: 120_000, interval: 20 }).toBeGreaterThan(0)
}

test('lintian has nothing to say', async () => {
  const overrides = await readFile(join(import.meta.dirname, '..', 'packaging', 'debian', 'lintian-overrides'))
  const { stdout: version } = await execa('lintian', ['--version'])
  // It takes half a minute: one look at each package.
  const verdict = await cached('lintian', digest(deb, version, overrides), ['tags'], async (into) => {
    const { stdout, exitCode } = await execa('lintian', ['--allow-root', '--no-cfg', '--fail-on', 'error,warning', deb], { reject: false })
    await writeFile(join(into, 'tags'), `${exitCode}\n${stdout}`)
  })
  expect(await readFile(join(verdict, 'tags'), 'utf8')).toBe('0\n')
})

/** The same package as one of a later version: everything in it that is ours says so. */
async function laterVersion(): Promise<string> {
  const script = `
    dpkg-deb --raw-extract "$1" /tmp/later
    sed --in-place 's/^Version: .*/Version: ${LATER}/' /tmp/later/DEBIAN/control
    find /tmp/later/opt/host-deployer/lib/node_modules -regextype posix-extended -regex '.*/(@host-deployer/[^/]+|host-deployer)/package.json' \\
      -exec sed --in-place --regexp-extended 's#^( +"(version|@host-deployer/[^"]+)": )"[0-9.]+"#\\1"${LATER}"#' {} +
    rm /tmp/later/DEBIAN/md5sums
    dpkg-deb -Znone --build /tmp/later /var/tmp/later.deb >/dev/null
    rm -r /tmp/later`
  await run('sh', '-euc', script, 'sh', `/deb/${basename(deb)}`)
  return '/var/tmp/later.deb'
}

/** What the version that runs says of itself. */
async function status(): Promise<{
  version: string
  config: { queueLimit: number }
  driver: { template: { held?: boolean; fileBytes?: number } | null }
  work: { slots: { busy: number } }
}> {
  return JSON.parse(await run('host-deployer', 'status', '--json'))
}

const leases = async (): Promise<string[]> => (await run('find', '/var/lib/host-deployer', '-name', '*.json')).split('\n').filter(Boolean)

/** The one template in a file, which no daemon takes along: the inode of its state, and whether a session was a clone of it. */
async function leftTemplate(): Promise<{ inode: string; isUsed: boolean }> {
  const script = `
    cd ${TEMPLATES}
    key=$(dirname "$(grep --files-without-match '"memory":' */template.json)")
    stat --format=%i "$key/state"
    if [ -e "$key.clone" ]; then echo used; fi`
  const [inode = '', used = ''] = (await run('sh', '-euc', script)).split('\n')
  return { inode, isUsed: used === 'used' }
}

/** As if somebody was making the template that the next daemon holds: its first job is there before that, however fast this machine is. */
async function delayHolding(): Promise<void> {
  const script = `
    cd ${TEMPLATES}
    key=$(dirname "$(grep --files-with-matches '"memory":' */template.json)")
    boot=$(cat /proc/sys/kernel/random/boot_id)
    set -- $(sed 's/.*) //' /proc/1/stat)
    printf '{"pid":1,"startTicks":%s,"bootId":"%s"}' "\${20}" "$boot" >"$key.lock"`
  await run('sh', '-euc', script)
}

const untilHeld = (): Promise<void> =>
  expect
    .poll(async () => (await status()).driver.template, { timeout: 120_000, interval: 200 })
    .toMatchObject({ held: true, fileBytes: expect.toSatisfy((bytes: number) => bytes > 0) })

test('installs, serves, drains when it is stopped or upgraded, goes back, and leaves nothing when it is purged', async () => {
  const before = await files()
  await run('apt-get', 'install', '-y', '--no-install-recommends', `/deb/${basename(deb)}`)
  expect((await unit())['ActiveState']).toBe('inactive')
  expect(await run('/opt/yunion/bin/host-deployer', '--version')).toBe(await run('host-deployer', '--version'))
  expect(await run('/opt/yunion/bin/host-deployer.cloudpods')).toBe('the old one\n')

  await run('systemctl', 'enable', '--now', UNIT)
  const started = await unit()
  expect(started).toMatchObject({ ActiveState: 'active', Type: 'notify', NoNewPrivileges: 'yes', StatusText: 'serving' })
  const confinement = await run('cat', `/proc/${started['MainPID']}/status`)
  expect(confinement).toMatch(/^Seccomp:\t2$/m)
  // CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID.
  expect(Number.parseInt(/^CapBnd:\t([0-9a-f]+)$/m.exec(confinement)?.[1] ?? '', 16) & ~0b1110_1011).toBe(0)
  // The one that its jobs share, and one in a file.
  await untilHeld()
  await expect(deploy('one')).resolves.toMatchObject({ os: 'Linux', distro: 'Debian', account: 'root' })

  const { version } = await status()
  await run('sh', '-c', 'echo "queueLimit: 77" >>/etc/host-deployer/config.yaml')
  const later = await laterVersion()
  const left = await leftTemplate()
  expect(left.isUsed).toBe(false)
  await delayHolding()
  const upgraded = deploy('two')
  await untilBusy()
  await run('dpkg', '--install', later)
  await expect(upgraded).resolves.toMatchObject({ os: 'Linux' })
  const again = await unit()
  expect(again).toMatchObject({ ActiveState: 'active', Result: 'success' })
  expect(again['MainPID']).not.toBe(started['MainPID'])
  expect(await status()).toMatchObject({ version: LATER, config: { queueLimit: 77 } })
  // Its first job is a clone of what the version before has left.
  await expect(deploy('first')).resolves.toMatchObject({ os: 'Linux' })
  expect(await leftTemplate()).toEqual({ ...left, isUsed: true })
  await run('sh', '-euc', `rm ${TEMPLATES}/*.lock`)
  await untilHeld()
  expect(await leftTemplate()).toEqual({ ...left, isUsed: true })

  // Back to the version before, which frees what the later one could not.
  const disk = await host.createDisk('killed', 'debian-12')
  const killed = deploy('killed', disk).then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )
  await stopMachineOf(host.outside(disk))
  await delayHolding()
  await run('sh', '-euc', `rm ${TEMPLATES}/*.clone`)
  await run('systemctl', 'kill', '--signal=KILL', UNIT)
  await run('systemctl', 'stop', UNIT)
  expect(await killed).toBe('DAEMON_UNREACHABLE')
  expect(await leases()).not.toEqual([])
  await run('dpkg', '--install', `/deb/${basename(deb)}`)
  await run('systemctl', 'start', UNIT)
  expect(await status()).toMatchObject({ version, config: { queueLimit: 77 }, work: { slots: { busy: 0 } } })
  const stopped = deploy('three')
  await untilBusy()
  await run('systemctl', 'stop', UNIT)
  await expect(stopped).resolves.toMatchObject({ os: 'Linux' })
  expect(await leftTemplate()).toEqual({ ...left, isUsed: true })
  expect(await unit()).toMatchObject({ ActiveState: 'inactive', Result: 'success' })
  expect(await leases()).toEqual([])

  await run('apt-get', 'remove', '-y', 'host-deployer')
  expect(await run('/opt/yunion/bin/host-deployer')).toBe('the old one\n')
  await run('dpkg', '--purge', 'host-deployer')
  expect(await files()).toEqual(before)
  await run('systemctl', 'daemon-reload')
  expect((await unit())['LoadState']).toBe('not-found')
})
