// cloud-init's own code merges our drop-in with the configuration of Debian's package. Needs: cloud-init.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'

const directory = mkdtempSync(join(tmpdir(), 'cloud-init-'))
afterAll(() => rmSync(directory, { recursive: true }))

const program = `
import json, sys
from cloudinit import util
print(json.dumps(util.read_conf_with_confd(sys.argv[1])))
`

let run = 0
/** The image's whole configuration as cloud-init sees it: the phony guest's files, deployed onto. */
async function merged(userData: string) {
  const guest = await createTestGuest('debian-12-cloud')
  await guest.deploy(cloudConfig(userData))
  const etc = join(directory, String(run++))
  mkdirSync(join(etc, 'cloud.cfg.d'), { recursive: true })
  writeFileSync(join(etc, 'cloud.cfg'), (await guest.read('/etc/cloud/cloud.cfg')) ?? '')
  for (const name of ['01_debian_cloud.cfg', '05_logging.cfg', 'zz-host-deployer.cfg']) {
    writeFileSync(join(etc, 'cloud.cfg.d', name), (await guest.read(`/etc/cloud/cloud.cfg.d/${name}`)) ?? '')
  }
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', program, join(etc, 'cloud.cfg')], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Record<string, unknown> & { system_info: { default_user: Record<string, unknown> } }
}

test('what was asked for wins over the image, the rest stays', async () => {
  const config = await merged(`
hostname: web1
fqdn: web1.example.org
manage_etc_hosts: true
disable_root: false
ssh_pwauth: true
users: [{name: alice}]
locale: C.UTF-8
growpart: {mode: 'off'}
resize_rootfs: false
network: {version: 2, ethernets: {eth0: {dhcp4: true}}}
`)
  expect(config).toMatchObject({
    users: [],
    disable_root: false,
    ssh_pwauth: true,
    preserve_hostname: true,
    hostname: 'web1',
    manage_etc_hosts: false,
    network: { config: 'disabled' },
    locale: 'C.UTF-8',
    growpart: { mode: 'off' },
    resize_rootfs: false,
    system_info: { distro: 'debian', default_user: { name: 'debian', lock_passwd: true } },
    apt: { generate_mirrorlists: true, preserve_sources_list: true },
  })
})

test("the default user's password is not locked again, everything else about the account stays", async () => {
  const config = await merged('password: secret\nchpasswd: {expire: false}\n')
  expect(config['users']).toEqual(['default'])
  expect(config.system_info.default_user).toMatchObject({ name: 'debian', lock_passwd: false, gecos: 'Debian', shell: '/bin/bash' })
})

test('a request about nothing that cloud-init does leaves its configuration alone', async () => {
  const guest = await createTestGuest('debian-12-cloud')
  await guest.deploy(cloudConfig('runcmd: [ls]\n'))
  expect(await guest.read('/etc/cloud/cloud.cfg.d/zz-host-deployer.cfg')).toBeUndefined()
})

test('the login account of a platform stays open, and the default user is made beside the account of the platform', async () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGnJBDU0hucKasy+FH2wrjq81IokE3tMi0+yqdxKbVOD'
  const config = await merged(`
ssh_pwauth: false
users: [{name: cloudroot, ssh_authorized_keys: ['${key}'], ssh_authorized_keys_only: true}]
login_account: {password: secret}
`)
  expect(config).toMatchObject({ users: ['default'], ssh_pwauth: true, disable_root: false })
})
