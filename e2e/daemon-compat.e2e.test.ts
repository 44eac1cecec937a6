// The service of the field, driven by clients that we did not write, on real images.
import { randomUUID } from 'node:crypto'
import { mkdir, open, truncate, writeFile } from 'node:fs/promises'
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import type { ProbeReport } from '@host-deployer/api'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootGuest } from './lib/boot-guest.ts'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { decryptWithRsa, decryptWithText } from './lib/decrypt-returned.ts'
import { digestOf } from './lib/digest-of.ts'
import type { ForeignClient } from './lib/foreign-client.ts'
import { startGrpcJsClient } from './lib/grpc-js-client.ts'
import { overlayBeside } from './lib/overlay-beside.ts'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { startPythonClient } from './lib/python-client.ts'
import { readGuest } from './lib/read-guest.ts'
import { runJson } from './lib/run-command.ts'
import { endDaemons, type RunningDaemon, startDaemon } from './lib/running-daemon.ts'
import { createKeyPair, createWorkspace, type Workspace } from './lib/workspace.ts'

const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ'
const ours = '@yunioncloudpods'
const mac = '00:22:0a:00:00:01'
const address = '10.0.2.50'
const uuid = '5F1a8c1e-0d1f-4b64-9a62-6f2f0d6d7c11'
const user = createKeyPair('me@desk')
const platform = createKeyPair('platform')

let space: Workspace
let daemon: RunningDaemon
/** Sends what old grpc-go sends: the socket's path as authority. */
let python: ForeignClient
let grpcJs: ForeignClient
const clients = { grpcio: () => python, 'grpc-js': () => grpcJs }

beforeAll(async () => {
  space = await createWorkspace('compat')
  daemon = await startDaemon(space, { cloudrootDir: '/opt' })
  python = await startPythonClient(space, daemon.socketPath, '/var/run/onecloud/deploy.sock')
  grpcJs = startGrpcJsClient(daemon.socketPath)
})

afterAll(async () => {
  await python?.[Symbol.asyncDispose]()
  await grpcJs?.[Symbol.asyncDispose]()
  await endDaemons()
})

const deploy = (image: string, guest_desc: object, deploy_info: object) =>
  python.call('DeployGuestFs', { disk_info: { path: image }, guest_desc: { Hypervisor: 'kvm', uuid, ...guest_desc }, deploy_info })

describe('a first deploy with everything at once', () => {
  const dataDisk = randomUUID()
  const swapDisk = randomUUID()
  const password = 'Pa$$ "w0rd" `id`'
  const nic = { mac, manual: true, ip: address, masklen: 24, gateway: '10.0.2.2', dns: '10.0.2.3', domain: 'example.org', mtu: 1400 }
  const routes = '[["0.0.0.0/0","10.0.2.2"],["192.0.2.0/24","10.0.2.9"]]'
  const guest = {
    name: 'not this',
    hostname: 'web1',
    domain: 'example.org',
    nics: [
      { ...nic, routes, is_default: true },
      { mac: '00:22:0a:00:00:02', ip: '10.0.3.50', index: 1 },
    ],
    disks: [
      { disk_id: randomUUID(), fs: 'ext4' },
      { disk_id: dataDisk, fs: 'ext4', mountpoint: '/srv/data' },
      { disk_id: swapDisk, fs: 'swap' },
    ],
  }
  const info = {
    is_init: true,
    password,
    default_root_user: true,
    public_key: { public_key: user.publicKey, admin_public_key: platform.publicKey, project_public_key: ed25519 },
    deploys: [
      { path: '/etc/motd', content: 'written\n' },
      { path: '/etc/issue', content: 'appended\n', action: 'append' },
      { path: '/opt/app/etc/none' },
    ],
    user_data: '#cloud-config\nhostname: other\ntimezone: Asia/Tokyo\nsnap: {commands: [x]}\nruncmd: ["echo done >/var/tmp/first-boot"]\n',
    telegraf: { telegraf_conf: '[agent]\n' },
  }
  let image: string
  let base: string
  let reply: Record<string, unknown>

  beforeAll(async () => {
    image = await overlayBeside('debian-12', space.path('first'), '8G')
    base = await digestOf(space.path('first', 'debian-12-base.qcow2'))
    reply = await deploy(image, guest, info)
  })

  test('the answer says what it is, and the password to who holds the key', () => {
    expect(reply).toMatchObject({ distro: 'Debian', arch: 'x86_64', os: 'Linux', account: 'root', telegraf_deployed: false })
    expect(reply['version']).toMatch(/^12\.\d+$/)
    expect(decryptWithRsa(String(reply['key']), user.privateKey)).toBe(password)
    expect(JSON.stringify(daemon.lines)).not.toContain('w0rd')
    expect(daemon.lines).toContainEqual(expect.objectContaining({ event: 'rpc.finding', code: 'WIRE_AGENT_LEFT_OUT' }))
  })

  test('files, mounts, keys and accounts are as asked for', async () => {
    await readGuest(image, 'qcow2', async ({ text, access }) => {
      expect(await text('/etc/motd')).toBe('written\n')
      expect(await text('/etc/issue')).toMatch(/^Debian GNU\/Linux 12[\s\S]*appended\n$/)
      expect(await access('/opt/app/etc')).toBe('0755 0:0')
      expect(await access('/opt/app/etc/none')).toBeUndefined()
      const fstab = (await text('/etc/fstab'))?.split('\n').map((line) => line.split(/\s+/))
      expect(fstab).toContainEqual([`UUID=${dataDisk}`, '/srv/data', 'ext4', 'defaults,nofail', '0', '2'])
      expect(fstab).toContainEqual([`UUID=${swapDisk}`, 'none', 'swap', 'sw,nofail,x-systemd.device-timeout=30s', '0', '0'])
      expect(await text('/root/.ssh/authorized_keys')).toContain(`${user.publicKey.split(' ').slice(0, 2).join(' ')} ${ours}\n`)
      expect(await access('/root/.ssh/authorized_keys')).toBe('0600 0:0')
      const passwd = (await text('/etc/passwd'))?.split('\n').find((line) => line.startsWith('cloudroot:'))
      expect(passwd).toContain(':/opt/cloudroot:/bin/bash')
      expect(await text('/opt/cloudroot/.ssh/authorized_keys')).toBe(`${platform.publicKey}\n${ed25519}\n`)
    })
  })

  test('what the disk is based on is as it was, and the file systems are clean', async () => {
    expect(await digestOf(space.path('first', 'debian-12-base.qcow2'))).toBe(base)
    expect(await checkFileSystems(image, 'qcow2')).toEqual([])
  })

  test('the guest boots and is what was asked for', async () => {
    await using running = await bootGuest(image, { format: 'qcow2', address, mac })
    await running.waitForConsole(/web1 login:/)
    using root = await running.login('root', { password: decryptWithRsa(String(reply['key']), user.privateKey) })
    using byKey = await running.login('root', { privateKey: user.privateKey })
    using cloudroot = await running.login('cloudroot', { privateKey: platform.privateKey })
    expect((await byKey.run('id -un')).stdout).toBe('root\n')
    expect((await cloudroot.run('sudo -n id -u')).stdout).toBe('0\n')
    const seen = async (command: string) => (await root.run(command)).stdout.trim()
    expect(await seen('hostname; hostname -f')).toBe('web1\nweb1.example.org')
    expect(await seen('cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu')).toBe(`${mac}\n1400`)
    expect(await seen('ip -o -4 addr show dev eth0 scope global')).toContain(`${address}/24`)
    expect(await seen('ip -4 route show')).toMatch(/^default via 10\.0\.2\.2 dev eth0/m)
    expect(await seen('ip -4 route show')).toMatch(/^192\.0\.2\.0\/24 via 10\.0\.2\.9/m)
    expect(await seen('ip -4 route show')).toMatch(/^169\.254\.169\.254 dev eth0/m)
    expect(await seen('date +%Z')).toBe('JST')
    // Not until everything has started: the system waits for disks that are not there, which must not keep anybody else.
    expect(await seen('until [ -s /var/tmp/first-boot ]; do sleep 1; done; cat /var/tmp/first-boot')).toBe('done')
  })
})

describe('a machine that is deployed again and again', () => {
  let image: string
  const account = async (guest: object, info: object) => deploy(image, guest, info)
  beforeAll(async () => {
    image = await overlayBeside('debian-12-cloud', space.path('again'))
  })

  test('first: accounts of user data, a key without a password, DHCP, cloud-init off', async () => {
    const user_data = '#cloud-config\nusers: [{name: alexander}, {name: bo}]\n'
    const reply = await account(
      { hostname: 'h1', nics: [{ mac, ip: '10.0.2.15', ip6: 'fd00::1' }] },
      { is_init: true, user_data, public_key: { public_key: ed25519 } },
    )
    expect(reply).toMatchObject({ distro: 'Debian', account: '', key: '' })
    await readGuest(image, 'qcow2', async ({ text, access, names }) => {
      expect(await access('/etc/cloud/cloud-init.disabled')).toBeDefined()
      expect(await text('/home/bo/.ssh/authorized_keys')).toBe(`${ed25519} ${ours}\n`)
      expect(await text('/etc/passwd')).not.toContain('cloudroot')
      const netplan = await Promise.all((await names('/etc/netplan')).map((name) => text(`/etc/netplan/${name}`)))
      expect(netplan.join('')).toMatch(/eth0:[\s\S]*dhcp4: true[\s\S]*dhcp6: true/)
    })
  })

  test('not first: the shortest account, the uuid decrypts, files and user data do not count', async () => {
    const reply = await account(
      { hostname: 'h2' },
      { password: 'second', deploys: [{ path: '/etc/motd', content: 'no' }], user_data: '#!/bin/sh\n' },
    )
    expect(reply).toMatchObject({ account: 'bo' })
    expect(await decryptWithText(String(reply['key']), uuid)).toBe('second')
    await readGuest(image, 'qcow2', async ({ text }) => {
      expect(await text('/etc/hostname')).toBe('h2\n')
      expect(await text('/etc/motd')).not.toBe('no')
      // Nobody gave a key: those of the platform are gone, others would stay.
      expect(await text('/home/bo/.ssh/authorized_keys')).not.toContain(ed25519)
    })
  })

  test('an account by name is made, and an ed25519 key decrypts with its text', async () => {
    const reply = await account({}, { password: 'third', login_account: 'ops', public_key: { public_key: `${ed25519} me\n` } })
    expect(reply).toMatchObject({ account: 'ops' })
    expect(await decryptWithText(String(reply['key']), `${ed25519}\n`)).toBe('third')
    await readGuest(image, 'qcow2', async ({ text, access }) => {
      expect(await text('/home/ops/.ssh/authorized_keys')).toBe(`${ed25519} ${ours}\n`)
      expect(await access('/home/ops/.ssh')).toMatch(/^0700 1\d+:1\d+$/)
      expect((await text('/etc/passwd'))?.match(/^ops:.*:\/bin\/bash$/m)).not.toBeNull()
    })
  })

  test('root, and a key is taken away', async () => {
    const keys = { public_key: user.publicKey, delete_public_key: ed25519 }
    expect(await account({}, { password: 'fourth', default_root_user: true, public_key: keys })).toMatchObject({ account: 'root' })
    const again = { public_key: { delete_public_key: user.publicKey }, login_account: 'root' }
    expect(await account({}, again)).toMatchObject({ account: '' })
    await readGuest(image, 'qcow2', async ({ text }) => {
      expect((await text('/root/.ssh/authorized_keys')) ?? '').not.toContain(user.publicKey.split(' ')[1])
    })
  })
})

describe('other rpcs', () => {
  let image: string
  beforeAll(async () => {
    image = await overlayBeside('debian-13', space.path('others'), '8G')
  })

  test('a probe says what it is, and changes nothing', async () => {
    const before = await digestOf(image)
    const replies = [await python.call('ProbeImageInfo', { disk_info: { path: image } })]
    replies.push(await grpcJs.call('ProbeImageInfo', { disk_info: { path: image } }))
    const found = {
      os_info: { distro: 'Debian', version: expect.stringMatching(/^13\.\d+$/), arch: 'x86_64', language: '', current_version: '' },
      os_type: 'Linux',
      is_lvm_partition: true,
      is_bios_support: true,
      is_uefi_support: false,
      is_readonly: false,
      is_installed_cloud_init: false,
      physical_partition_type: 'gpt',
    }
    expect(replies).toMatchObject([found, found])
    expect(await digestOf(image)).toBe(before)
  })

  test('a disk that has grown is filled, chosen by its id; once more changes nothing', async () => {
    const disk_id = randomUUID()
    const disks = [
      { disk_id: randomUUID(), path: space.path('missing.qcow2') },
      { disk_id, path: image, format: 'qcow2' },
    ]
    const rootBytes = async () => {
      const { storage } = await runJson<ProbeReport>(['probe', image, '--allow-path', '/'])
      return storage.filesystems.find(({ mountpoint }) => mountpoint === '/')?.sizeBytes ?? 0
    }
    const before = await rootBytes()
    const params = { disk_info: { disk_id }, guest_desc: { disks }, hypervisor: 'kvm' }
    expect(await python.call('ResizeFs', params)).toEqual({})
    expect(await rootBytes()).toBeGreaterThan(before + 3 * 2 ** 30)
    const grown = await digestOf(image)
    expect(await grpcJs.call('ResizeFs', params)).toEqual({})
    expect(await digestOf(image)).toBe(grown)
    expect(await checkFileSystems(image, 'qcow2')).toEqual([])
  })

  test('a template: looked at without a change, then sealed', async () => {
    const before = await digestOf(image)
    const release_info = { distro: 'Debian', arch: 'x86_64' }
    expect(await python.call('SaveToGlance', { disk_info: { path: image } })).toMatchObject({ os_info: 'Linux', release_info })
    expect(await digestOf(image)).toBe(before)
    const sealed = await grpcJs.call('SaveToGlance', { disk_info: { path: image }, compress: true })
    expect(sealed).toMatchObject({ os_info: 'Linux', release_info })
    await readGuest(image, 'qcow2', async ({ text, names }) => {
      expect((await text('/etc/machine-id'))?.trim() ?? '').toMatch(/^(uninitialized)?$/)
      expect((await names('/etc/ssh')).filter((name) => /^ssh_host_.*key/.test(name))).toEqual([])
    })
  })

  test.each([
    ['ext2', 'grpcio'],
    ['ext3', 'grpc-js'],
    ['ext4', 'grpcio'],
    ['xfs', 'grpc-js'],
    ['f2fs', 'grpc-js'],
    ['swap', 'grpcio'],
  ] as const)('%s with the given UUID, by %s', async (fs_format, client) => {
    const disk = space.path(`${fs_format}.raw`)
    await (await open(disk, 'w')).close()
    await truncate(disk, 1024 ** 3)
    const id = randomUUID()
    const fs_features = { ext4: { CaseInsensitive: true, ReservedBlocksPercentage: 2 }, f2fs: { CaseInsensitive: true } }
    expect(await clients[client]().call('FormatFs', { disk_info: { path: disk }, fs_format, uuid: id, fs_features })).toEqual({})
    const { partitiontable: table } = JSON.parse((await execa('sfdisk', ['--json', disk])).stdout)
    expect(table.label).toBe('gpt')
    expect(table.partitions).toHaveLength(1)
    const offset = String(table.partitions[0].start * table.sectorsize)
    const { stdout } = await execa('blkid', ['-p', '-O', offset, '-o', 'export', disk])
    expect(stdout.split('\n')).toEqual(expect.arrayContaining([`UUID=${id}`, `TYPE=${fs_format}`]))
    if (fs_format === 'ext4') {
      const { stdout: header } = await execa('dumpe2fs', ['-h', `${disk}?offset=${offset}`])
      const number = (name: string) => Number(new RegExp(`^${name}: +(\\d+)$`, 'm').exec(header)?.[1])
      expect(header).toMatch(/^Filesystem features:.* casefold( |$)/m)
      expect(number('Reserved block count')).toBe(Math.floor(number('Block count') * 0.02))
    }
    if (fs_format === 'f2fs') expect((await f2fsFeatures(disk, Number(offset))) & f2fsCasefold).toBe(f2fsCasefold)
  })

  test.each(['ConnectEsxiDisks', 'DisconnectEsxiDisks', 'SetOvmfBootOrder'] as const)('%s is not there yet', async (rpc) => {
    for (const client of [python, grpcJs]) {
      const error = await client.fail(rpc, {})
      expect(error).toMatchObject({ status: 'UNIMPLEMENTED', details: { reason: 'DAEMON_NOT_IMPLEMENTED' } })
    }
  })
})

// Of the kernel's `struct f2fs_super_block`, which begins 1 KiB behind the start of the file system.
const f2fsCasefold = 0x1000
async function f2fsFeatures(disk: string, offsetBytes: number): Promise<number> {
  await using file = await open(disk)
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, offsetBytes + 1024 + 2180)
  return buffer.readUInt32LE()
}

describe('a disk without an operating system', () => {
  let empty: string
  beforeAll(async () => {
    empty = space.path('empty.raw')
    await (await open(empty, 'w')).close()
    await truncate(empty, 64 * 1024 ** 2)
  })

  test('is an empty success where clients expect it, and an error elsewhere', async () => {
    const disk_info = { path: empty }
    expect(await deploy(empty, {}, { is_init: true, password: 'x' })).toMatchObject({ distro: '', os: '', account: '', key: '' })
    expect(daemon.lines).toContainEqual(expect.objectContaining({ event: 'rpc.without-system' }))
    expect(await python.call('ProbeImageInfo', { disk_info })).toMatchObject({ os_type: '' })
    expect(await python.call('SaveToGlance', { disk_info })).toMatchObject({ os_info: '' })
    const error = await python.fail('DeployGuestFs', { disk_info, deploy_info: {} })
    expect(error).toMatchObject({ status: 'NOT_FOUND', details: { reason: 'BLOCK_NO_ROOT', metadata: { phase: 'mount' } } })
    expect(error.message.startsWith('mount: ')).toBe(true)
  })

  test('is one with an empty file system, too', async () => {
    const blank = space.path('blank.raw')
    await execa('mke2fs', ['-q', '-t', 'ext4', blank, '64M'])
    const reply = await grpcJs.call('DeployGuestFs', {
      disk_info: { path: blank },
      guest_desc: { uuid },
      deploy_info: { is_init: true, password: 'x' },
    })
    expect(reply).toMatchObject({ os: '', account: '', key: '' })
  })
})

describe('a system that is not one of ours is no success, and untouched', () => {
  test('an encrypted disk', async () => {
    const disk = space.path('luks.raw')
    await (await open(disk, 'w')).close()
    await truncate(disk, 64 * 1024 ** 2)
    await execa('sfdisk', ['--quiet', disk], { input: 'label: gpt\nstart=1MiB, type=L\n' })
    const file = await open(disk, 'r+')
    // The magic of LUKS 1 and its version.
    await file.write(Buffer.from('LUKS\xba\xbe\0\x01', 'latin1'), 0, 8, 1024 ** 2)
    await file.close()
    await unsupported(disk)
    const before = await digestOf(disk)
    const error = await grpcJs.fail('ResizeFs', { disk_info: { path: disk } })
    expect(error).toMatchObject({ status: 'FAILED_PRECONDITION', details: { reason: 'GROW_UNSUPPORTED', metadata: { phase: 'diff' } } })
    expect(await digestOf(disk)).toBe(before)
  })

  test('files of nothing that is known', async () => {
    const tree = space.path('android')
    await mkdir(tree)
    await writeFile(`${tree}/system.sfs`, 'x')
    const disk = space.path('android.raw')
    await execa('mke2fs', ['-q', '-t', 'ext4', '-d', tree, disk, '64M'])
    await unsupported(disk)
  })

  test('another distribution', async () => {
    const disk = space.path('other.raw')
    const tree = { '/usr/lib/os-release': { content: 'ID=haiku\nNAME=Haiku\nVERSION_ID=5\n' } }
    await createPhonyDisk(disk, { sizeBytes: 256 * 1024 ** 2, type: 'ext4', tree })
    await unsupported(disk)
  })

  async function unsupported(disk: string): Promise<void> {
    const before = await digestOf(disk)
    const params = { disk_info: { path: disk }, guest_desc: { hostname: 'web', uuid }, deploy_info: { is_init: true, password: 'x' } }
    const error = await python.fail('DeployGuestFs', params)
    expect(error).toMatchObject({
      status: 'FAILED_PRECONDITION',
      details: { reason: 'GUEST_UNSUPPORTED', metadata: { hint: expect.any(String) } },
    })
    expect(await digestOf(disk)).toBe(before)
  }
})

describe('errors leave the image as it was', () => {
  let image: string
  beforeAll(async () => {
    image = await overlayBeside('debian-12', space.path('errors'))
  })
  const secret = 'hunter2-of-the-request'

  interface Params {
    readonly disk_info?: { readonly path?: string; readonly encrypt_password?: string }
    readonly guest_desc?: object
    readonly deploy_info?: object
  }
  test.each<readonly [string, string, Params]>([
    ['NOT_FOUND', 'IMAGE_NOT_FOUND', { disk_info: { path: '/nowhere/x.qcow2' } }],
    ['PERMISSION_DENIED', 'IMAGE_PATH_REFUSED', { disk_info: { path: '/etc/passwd' } }],
    ['INVALID_ARGUMENT', 'INPUT_INVALID', { disk_info: { path: 'x.qcow2' } }],
    ['INVALID_ARGUMENT', 'INPUT_INVALID', { disk_info: { path: '' } }],
    ['UNIMPLEMENTED', 'DAEMON_NOT_IMPLEMENTED', { disk_info: { encrypt_password: 'eA==' } }],
    ['UNIMPLEMENTED', 'DAEMON_NOT_IMPLEMENTED', { disk_info: { path: 'rbd:pool/x' } }],
    ['UNIMPLEMENTED', 'DAEMON_NOT_IMPLEMENTED', { guest_desc: { Hypervisor: 'esxi' } }],
    ['FAILED_PRECONDITION', 'INPUT_NETWORK_UNSUPPORTED', { guest_desc: { nics: [{ mac, team_with: '00:22:0a:00:00:02' }] } }],
    ['INVALID_ARGUMENT', 'INPUT_SSH_KEY_INVALID', { deploy_info: { password: secret, public_key: { public_key: 'ssh-rsa x' } } }],
    ['INVALID_ARGUMENT', 'INPUT_INVALID', { deploy_info: { password: `${secret}\n` } }],
    ['INVALID_ARGUMENT', 'INPUT_YAML_INVALID', { deploy_info: { is_init: true, user_data: `#cloud-config\npassword: [${secret}` } }],
    ['INVALID_ARGUMENT', 'INPUT_PATH_INVALID', { deploy_info: { is_init: true, deploys: [{ path: '/a/../b', content: secret }] } }],
    ['INVALID_ARGUMENT', 'INPUT_NETWORK_ADDRESS', { guest_desc: { nics: [{ mac, manual: true, ip: '10.0.0.1' }] } }],
  ])('%s %s for %j', async (code, reason, params) => {
    const before = await digestOf(image)
    const asked = { ...params, disk_info: { path: image, ...params.disk_info } }
    const error = await python.fail('DeployGuestFs', asked)
    expect(error).toMatchObject({ status: code, details: { reason } })
    expect(await grpcJs.fail('DeployGuestFs', asked)).toEqual(error)
    expect(JSON.stringify(error)).not.toContain(secret)
    expect(JSON.stringify(daemon.lines)).not.toContain(secret)
    expect(await digestOf(image)).toBe(before)
  })

  test('a deadline ends the job, and the next call finds the image free', async () => {
    const params = { disk_info: { path: image }, guest_desc: { hostname: 'late' }, deploy_info: {} }
    expect(await python.fail('DeployGuestFs', params, 0.3)).toMatchObject({ status: 'DEADLINE_EXCEEDED' })
    await expect.poll(async () => (await daemon.status()).work.jobs, { timeout: 300_000 }).toEqual([])
    expect(await checkFileSystems(image, 'qcow2')).toEqual([])
    expect(await deploy(image, { hostname: 'in-time' }, {})).toMatchObject({ distro: 'Debian' })
  })
})

describe('grpc-js', () => {
  test('two machines on one base at once, each its own; health says that it serves', async () => {
    const images = [await overlayBeside('debian-12', space.path('shared')), space.path('shared', 'two.qcow2')]
    const base = space.path('shared', 'debian-12-base.qcow2')
    const before = await digestOf(base)
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, images[1] ?? ''])
    const replies = await Promise.all(
      images.map((path, index) =>
        grpcJs.call('DeployGuestFs', {
          disk_info: { path },
          guest_desc: { hostname: `host${index}`, uuid },
          deploy_info: { password: `pass${index}` },
        }),
      ),
    )
    expect(replies.map(({ distro }) => distro)).toEqual(['Debian', 'Debian'])
    const passwords = await Promise.all(replies.map(({ key }) => decryptWithText(String(key), uuid)))
    expect(passwords).toEqual(['pass0', 'pass1'])
    for (const [index, image] of images.entries()) {
      expect(await readGuest(image, 'qcow2', ({ text }) => text('/etc/hostname'))).toBe(`host${index}\n`)
    }
    expect(await digestOf(base)).toBe(before)
  })

  test('health and an unknown rpc', async () => {
    const client = new Client(`unix:${daemon.socketPath}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' })
    const call = (path: string) =>
      new Promise<Buffer | ServiceError>((resolve) => {
        client.makeUnaryRequest(
          path,
          (value: Buffer) => value,
          (value: Buffer) => value,
          Buffer.alloc(0),
          (error, reply) => resolve(error ?? reply ?? Buffer.alloc(0)),
        )
      })
    // HealthCheckResponse with SERVING.
    expect(await call('/grpc.health.v1.Health/Check')).toEqual(Buffer.from([8, 1]))
    expect(await call('/apis.DeployAgent/Nothing')).toMatchObject({ code: status.UNIMPLEMENTED })
    client.close()
  })
})

test('the daemon ends in order, and the socket is gone', async () => {
  expect(await daemon.end('SIGTERM')).toBe(0)
  await expect(open(daemon.socketPath)).rejects.toMatchObject({ code: 'ENOENT' })
})
