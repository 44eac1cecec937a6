import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeployParamsInput } from '@host-deployer/api/grpc'
import { hostPath, toolPath } from '@host-deployer/driver-api'
import { guestPath, openGuestFs } from '@host-deployer/guest-fs'
import { getContainerRuntimeClient } from 'testcontainers'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { openTestDriver } from './lib/appliance.ts'
import { ensureImage } from './lib/build-image.ts'
import { checkDisks } from './lib/check-file-systems.ts'
import { type ContainerLimits, mustExec, privileged } from './lib/docker/container.ts'
import { type DockerEngine, startDockerEngine } from './lib/docker/engine.ts'
import { createFieldHost, type FieldDaemon, type FieldHost, startFieldContainer, startFieldDaemon } from './lib/docker/field-daemon.ts'
import { ensureHostDeployerImage } from './lib/docker/host-deployer-image.ts'
import { stopMachineOf } from './lib/stop-machine-of.ts'
import { createKeyPair, createWorkspace } from './lib/workspace.ts'

// The image that packaging/container/Dockerfile makes, started the way the field's DaemonSet starts it: command line, mounts, privileged. What a client sees
// is seen through the socket on the host; what was done to disks is read from them by a VM of this test.

const key = createKeyPair('field')
let engine: DockerEngine
let image: string
let host: FieldHost
const running = new Set<FieldDaemon>()

beforeAll(async () => {
  engine = await startDockerEngine('container')
  image = await ensureHostDeployerImage()
  const space = await createWorkspace('daemon-container')
  host = await createFieldHost(space.directory, 'deploy_concurrent: 3\n')
})

// Two daemons on one host are refused: one that a failed test has left would spoil the next test.
afterEach(async () => {
  for (const daemon of running) await remove(daemon)
})
afterAll(() => engine?.stop())

/** As the field's pods: privileged, and among the processes of the host, where the kernel ends nothing because a first process has ended. */
const asFieldPod = async (): Promise<ContainerLimits> => ({ ...(await privileged()), PidMode: 'host' })

async function start(limits?: ContainerLimits): Promise<FieldDaemon> {
  const daemon = await startFieldDaemon(image, host, limits ?? (await asFieldPod()))
  running.add(daemon)
  return daemon
}

async function remove(daemon: FieldDaemon): Promise<void> {
  running.delete(daemon)
  await daemon.remove()
}

const request = (path: string, hostname: string): DeployParamsInput => ({
  disk_info: { path },
  guest_desc: {
    ...{ name: hostname, hostname, uuid: '6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d', Hypervisor: 'kvm' },
    disks: [{ path, disk_id: '0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9' }],
    nics: [{ mac: '52:54:00:12:34:56', ip: '192.0.2.10', masklen: 24, gateway: '192.0.2.1', manual: true, index: 0 }],
  },
  deploy_info: { is_init: true, default_root_user: true, password: 'Correct-Horse-9', public_key: { public_key: key.publicKey } },
})

/** The host name and root's keys on a disk, and what the checkers of its file systems complain of. */
async function look(path: string) {
  const { driver, context } = await openTestDriver()
  const base = await ensureImage('debian-12')
  const chain = [
    { path: hostPath(host.outside(path)), format: 'qcow2' },
    { path: hostPath(base), format: 'qcow2' },
  ] as const
  await using session = await driver.open({ disks: [{ id: 'disk0', chain, access: 'scratch' }] }, context)
  const complaints = await checkDisks(session, { recover: true })
  const { exec, fs } = session.toolHost
  await exec(['mkdir', '-p', '/mnt'])
  expect((await exec(['mount', '-t', 'ext4', '-o', 'ro', `${session.disks[0].device}3`, '/mnt'])).exitCode).toBe(0)
  const guest = openGuestFs({ fs, root: toolPath('/mnt') })
  const read = (name: string) => guest.readText(guestPath(name))
  return { complaints, hostname: (await read('/etc/hostname')).trim(), keys: await read('/root/.ssh/authorized_keys') }
}

/** What is left of sessions on the host: their private directories. */
async function sessionDirectories(): Promise<string[]> {
  const names = await readdir(host.outside('/opt/cloud/workspace/run/deploy'), { recursive: true })
  return names.filter((name) => /(^|\/)session-[^/]*$/.test(name))
}

const isRunning = (path: string) => (status: { readonly work: { readonly jobs: readonly { image: string; phase: string | null }[] } }) =>
  status.work.jobs.some(({ image: busy, phase }) => busy === path && phase !== null && phase !== 'open')

test('deploys over the mounted socket, takes an edited ConfigMap, drains at SIGTERM within the time of a pod', async () => {
  const daemon = await start()
  const disk = await host.createDisk('web1', 'debian-12')
  const answer = await daemon.client.deployGuestFs(request(disk, 'web1'))
  expect(answer).toMatchObject({ os: 'Linux', distro: 'Debian', account: 'root' })
  expect(answer.key).not.toBe('')
  const found = await look(disk)
  expect(found).toMatchObject({ complaints: [], hostname: 'web1' })
  expect(found.keys).toContain(key.publicKey.split(' ')[1])

  const { config } = await daemon.status()
  expect(config.concurrency).toBe(3)
  // The image's own: what is cancelled then has 10 seconds to clean up and 5 to go, of the 30 there are.
  expect(config.drainTimeoutMs).toBe(12_000)
  await host.writeConfigMap('deploy_concurrent: 2\n')
  await daemon.until(({ config }) => config.concurrency === 2)

  const other = await host.createDisk('web2', 'debian-12')
  const deployed = daemon.client.deployGuestFs(request(other, 'web2'))
  await daemon.until(isRunning(other))
  const stopped = daemon.stop()
  await expect(deployed).resolves.toMatchObject({ os: 'Linux' })
  expect(await stopped).toBe(0)
  expect(await look(other)).toMatchObject({ complaints: [], hostname: 'web2' })
  expect(await sessionDirectories()).toEqual([])
  await remove(daemon)
})

test('docker kill in the middle: the next container frees what was held, and the same request succeeds', async () => {
  const killed = await start()
  const disk = await host.createDisk('web3', 'debian-12')
  const deployed = killed.client.deployGuestFs(request(disk, 'web3')).then(
    () => 'done',
    () => 'failed',
  )
  await killed.until(isRunning(disk))
  await stopMachineOf(host.outside(disk))
  await killed.kill()
  expect(await deployed).toBe('failed')
  const left = await sessionDirectories()
  expect(left).not.toEqual([])
  await remove(killed)

  const next = await start()
  // The new daemon has directories of its own while it looks at its driver.
  expect((await sessionDirectories()).filter((name) => left.includes(name))).toEqual([])
  expect((await next.status()).work.residue).toEqual([])
  await expect(next.client.deployGuestFs(request(disk, 'web3'))).resolves.toMatchObject({ os: 'Linux', account: 'root' })
  expect(await look(disk)).toMatchObject({ complaints: [], hostname: 'web3' })
  expect(await next.stop()).toBe(0)
  await remove(next)
})

test('a second container on the same host is refused, and frees nothing of the first', async () => {
  const first = await start()
  const disk = await host.createDisk('web6', 'debian-12')
  const deployed = first.client.deployGuestFs(request(disk, 'web6'))
  await first.until(isRunning(disk))
  const second = await startFieldContainer(image, host, await asFieldPod())
  const container = (await getContainerRuntimeClient()).container.getById(second.getId())
  expect((await container.wait()).StatusCode).not.toBe(0)
  await container.remove()
  await expect(deployed).resolves.toMatchObject({ os: 'Linux' })
  await remove(first)
})

test("with no more than the DaemonSet's security context gives, processes of its own among them", async () => {
  const manifest = parse(await readFile(join(import.meta.dirname, '..', 'packaging', 'kubernetes', 'daemonset.yaml'), 'utf8'))
  const { securityContext } = manifest.spec.template.spec.containers[0]
  expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, seccompProfile: { type: 'RuntimeDefault' } })
  const daemon = await start({
    CapAdd: securityContext.capabilities.add,
    CapDrop: securityContext.capabilities.drop,
    ReadonlyRootfs: securityContext.readOnlyRootFilesystem,
    SecurityOpt: ['no-new-privileges'],
  })
  const disk = await host.createDisk('web4', 'debian-12')
  await expect(daemon.client.deployGuestFs(request(disk, 'web4'))).resolves.toMatchObject({ os: 'Linux', account: 'root' })
  await expect(daemon.client.probeImageInfo({ disk_info: { path: disk } })).resolves.toMatchObject({ os_type: 'Linux' })
  // An orphan is the first process's to bury.
  await mustExec(daemon.container, ['sh', '-c', '(sleep 0.2 &)'])
  await mustExec(daemon.container, ['sleep', '0.5'])
  const states = await mustExec(daemon.container, ['sh', '-c', 'cat /proc/[0-9]*/stat'])
  expect(states.split('\n').filter((line) => /\) Z /.test(line))).toEqual([])
  await remove(daemon)
})

/** What the kustomization `privileged` adds to the pod. */
async function asPrivilegedPod(): Promise<ContainerLimits> {
  const text = await readFile(join(import.meta.dirname, '..', 'packaging', 'kubernetes', 'privileged', 'kustomization.yaml'), 'utf8')
  const patches = (parse(text).patches as readonly { patch: string }[]).flatMap(({ patch }) => parse(patch))
  const values = (end: string) => patches.filter(({ path }) => path.endsWith(end)).map(({ value }) => value)
  const inMemory = values('/volumes/-').flatMap(({ name, emptyDir }) => (emptyDir?.medium === 'Memory' ? [name] : []))
  const mounts = values('/volumeMounts/-').filter(({ name }) => inMemory.includes(name))
  return {
    ...(await privileged()),
    ReadonlyRootfs: values('/securityContext')[0].readOnlyRootFilesystem,
    ...(values('/hostPID')[0] === true && { PidMode: 'host' }),
    Tmpfs: Object.fromEntries(mounts.map(({ mountPath }) => [mountPath, ''])),
  }
}

test('image_deploy_driver: nbd, in the pod for those who are privileged', async () => {
  await host.writeConfigMap('deploy_concurrent: 2\nimage_deploy_driver: nbd\n')
  const daemon = await start(await asPrivilegedPod())
  const status = await daemon.status()
  expect(status.driver).toMatchObject({ name: 'nbd', usable: true })
  expect(status.warnings).toHaveLength(1)
  const disk = await host.createDisk('web5', 'debian-12')
  await expect(daemon.client.deployGuestFs(request(disk, 'web5'))).resolves.toMatchObject({ os: 'Linux', account: 'root' })
  expect(await daemon.stop()).toBe(0)
  expect(await look(disk)).toMatchObject({ complaints: [], hostname: 'web5' })
  await remove(daemon)
})
