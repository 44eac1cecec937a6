import { chmod, mkdir } from 'node:fs/promises'
import type { ConfigError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { readConfig } from './read-config.ts'
import { codes, makeConfigPlace, row } from './testing/config-place.ts'

const fails = async (reading: Promise<unknown>): Promise<ConfigError> => {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ name: 'ConfigError' })
  return error as ConfigError
}
const problems = (error: ConfigError) => error.context['problems']

test('without a file everything has its default', async () => {
  await using place = await makeConfigPlace()
  const result = await place.read()
  expect(result.config).toEqual({
    socketPath: '/var/run/onecloud/deploy.sock',
    adminSocketPath: '/var/lib/host-deployer/admin.sock',
    concurrency: 5,
    queueLimit: 1000,
    driver: 'qemu-initramfs',
    driverOptions: { memoryMb: 256 },
    workDirectory: '/opt/cloud/workspace/run/deploy',
    stateDirectory: '/var/lib/host-deployer',
    cacheDirectory: '/var/cache/host-deployer',
    imageRoots: ['/opt/cloud'],
    jobTimeoutMs: 600_000,
    privateNetworks: [],
    metadataIpv4Addresses: ['169.254.169.254'],
    metadataIpv6Addresses: ['fd00:ec2::254'],
    drainTimeoutMs: 120_000,
    cloudrootDir: '/opt',
    allowVmSelinux: true,
    ext4LargefileSizeGib: 4096,
    ext4HugefileSizeGib: 512,
    logLevel: 'info',
    spareWorkers: 1,
  })
  expect(result.explained.every(({ source }) => source.kind === 'default')).toBe(true)
  expect(codes(result)).toEqual(['CONFIG_FILE_MISSING'])
  expect(Object.isFrozen(result.config) && Object.isFrozen(result.config.imageRoots) && Object.isFrozen(result.config.driverOptions)).toBe(
    true,
  )
})

test('host.conf as it is in the field', async () => {
  await using place = await makeConfigPlace({
    'host.conf': [
      'auth_url: https://10.0.0.1:30500/v3',
      'admin_user: hostadmin',
      "deploy_concurrent: '8'",
      'deploy_guest_mem_size_mb: 512',
      'deploy_server_socket_path: /run/x/deploy.sock',
      'deploy_temp_dir: /srv/deploy',
      'cloudroot_dir: /home',
      'allow_vm_selinux: "False"',
      'ext4_largefile_size_gb: 1000',
      'ext4_hugefile_size_gb: "100"',
      'chntpw_path: /usr/local/bin/chntpw.static',
      'log_level: WARNING',
      'local_image_path:',
      '- /data/disks/',
      '- /data2/disks',
      'shared_storages: /nfs/one',
      'image_cache_path: /data/cache',
      'networks:',
      '- eth0/br0/10.0.0.2',
    ].join('\n'),
  })
  const result = await place.read()
  expect(result.config).toMatchObject({
    concurrency: 8,
    driver: 'qemu-initramfs',
    driverOptions: { memoryMb: 512 },
    socketPath: '/run/x/deploy.sock',
    workDirectory: '/srv/deploy',
    cloudrootDir: '/home',
    allowVmSelinux: false,
    ext4LargefileSizeGib: 1000,
    ext4HugefileSizeGib: 100,
    logLevel: 'warn',
    imageRoots: ['/opt/cloud', '/data/disks', '/data2/disks', '/nfs/one', '/data/cache'],
  })
  const file = place.at('host.conf')
  expect(row(result, 'concurrency')?.source).toEqual({ kind: 'file', file, line: 3, name: 'deploy_concurrent' })
  expect(row(result, 'driverOptions.memoryMb')?.source).toMatchObject({ line: 4 })
  expect(row(result, 'imageRoots[2]')).toMatchObject({ value: '/data2/disks', source: { line: 13, name: 'local_image_path' } })
  expect(result.ignored).toEqual(['auth_url', 'admin_user', 'networks'])
  expect(codes(result)).toEqual(['CONFIG_KEYS_IGNORED'])
})

test.each([
  ['deploy_concurrent: 0', { concurrency: 10 }],
  ['deploy_concurrent: -3', { concurrency: 10 }],
  ['deploy_concurrent: 1', { concurrency: 1 }],
  ['allow_vm_selinux: no', { allowVmSelinux: false }],
  ['allow_vm_selinux: 0', { allowVmSelinux: false }],
  ['allow_vm_selinux: true', { allowVmSelinux: true }],
  ['y: 1\n5: 2\n? [a]\n: 3\ndeploy_concurrent: 2', { concurrency: 2 }],
  ['image_deploy_driver: qemu-kvm', { driver: 'qemu-initramfs', driverOptions: { memoryMb: 256 } }],
  ['image_deploy_driver: nbd\ndeploy_guest_mem_size_mb: 512', { driver: 'nbd', driverOptions: { trustImages: true } }],
  ['image_deploy_driver: libguestfs', { driver: 'qemu-initramfs' }],
  ['deploy-concurrent: 4', { concurrency: 4 }],
  ['deploy_concurrent: 4\ndeploy_concurrent: 6', { concurrency: 6 }],
  ['deploy_concurrent: 4\n---\ndeploy_concurrent: 6', { concurrency: 4 }],
  [
    '# older form\n[DEFAULT]\ndeploy_concurrent = 3 # three\nlocal_image_path = ["/a", \'/b\']\nadmin_password = "x = y"',
    { concurrency: 3, imageRoots: ['/opt/cloud', '/a', '/b'] },
  ],
])('%j', async (text, expected) => {
  await using place = await makeConfigPlace({ 'host.conf': text })
  expect((await place.read()).config).toMatchObject(expected)
})

test('nbd and libguestfs come with one warning each', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'image_deploy_driver: nbd' })
  expect(codes(await place.read())).toEqual(['CONFIG_IMAGES_TRUSTED'])
  await place.write('host.conf', 'image_deploy_driver: libguestfs')
  expect(codes(await place.read())).toEqual(['CONFIG_DRIVER_REPLACED'])
})

test.each([
  ['deploy_concurrent: many', 'CONFIG_INVALID', 1, 'deploy_concurrent'],
  ['a: 1\ndeploy_concurrent: 2.5', 'CONFIG_INVALID', 2, 'deploy_concurrent'],
  ['deploy_concurrent: [1]', 'CONFIG_INVALID', 1, 'deploy_concurrent'],
  ['a: b\n\ndeploy_server_socket_path: ""', 'CONFIG_INVALID', 3, 'deploy_server_socket_path'],
  ['deploy_server_socket_path:', 'CONFIG_INVALID', 1, 'deploy_server_socket_path'],
  ['deploy_server_socket_path: run/deploy.sock', 'CONFIG_INVALID', 1, 'deploy_server_socket_path'],
  ['allow_vm_selinux: maybe', 'CONFIG_INVALID', 1, 'allow_vm_selinux'],
  ['deploy_guest_mem_size_mb: 1', 'CONFIG_INVALID', 1, 'deploy_guest_mem_size_mb'],
  ['local_image_path: [/]', 'CONFIG_INVALID', 1, 'local_image_path'],
  ['local_image_path: [disks]', 'CONFIG_INVALID', 1, 'local_image_path'],
  ['log_level: loud', 'CONFIG_INVALID', 1, 'log_level'],
  ['image_deploy_driver: vmware', 'CONFIG_DRIVER_UNKNOWN', 1, 'image_deploy_driver'],
  ['image_deploy_driver: ""', 'CONFIG_DRIVER_UNKNOWN', 1, 'image_deploy_driver'],
  ['a: "b', 'CONFIG_INVALID', 1, 'YAML'],
  ['a: 1\nb: "c', 'CONFIG_INVALID', 2, 'YAML'],
  ['just words', 'CONFIG_INVALID', 1, 'YAML'],
  [`a: ${'['.repeat(2_000)}`, 'CONFIG_INVALID', 1, 'YAML'],
])('host.conf is refused: %s', async (text, code, line, key) => {
  await using place = await makeConfigPlace({ 'host.conf': text })
  const error = await fails(place.read())
  expect(error.code).toBe(code)
  expect(error.hint).toBeTruthy()
  expect(problems(error)).toMatchObject([{ file: place.at('host.conf'), line, key }])
})

test('all problems come at once', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'deploy_concurrent: x\nimage_deploy_driver: y\nlog_level: z' })
  expect(problems(await fails(place.read()))).toMatchObject([{ line: 1 }, { line: 2 }, { line: 3 }])
})

test('the common file replaces the shared options, whether it names them or not, and no others', async () => {
  await using place = await makeConfigPlace({
    'host.conf':
      'deploy_concurrent: 8\nimage_deploy_driver: nbd\ncloudroot_dir: /home\nlog_level: debug\ncommon_config_file: common/common.conf',
    'common/common.conf': 'image_deploy_driver: qemu-kvm\nlog_level: error\ncloudroot_dir: /root\nadmin_user: x',
  })
  const result = await place.read()
  expect(result.config).toMatchObject({ concurrency: 5, driver: 'qemu-initramfs', cloudrootDir: '/home', logLevel: 'debug' })
  expect(row(result, 'driver')).toMatchObject({
    source: { file: place.at('common/common.conf'), line: 1 },
    overrode: [{ value: 'nbd', source: { file: place.at('host.conf'), line: 2 } }],
  })
  expect(row(result, 'concurrency')).toMatchObject({ source: { kind: 'default' }, overrode: [{ value: 8, source: { line: 1 } }] })
  expect(codes(result)).toEqual(['CONFIG_KEY_WITHOUT_EFFECT', 'CONFIG_REPLACED', 'CONFIG_KEYS_IGNORED'])
})

test('a common file that does not exist replaces nothing', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'deploy_concurrent: 8\ncommon_config_file: common.conf' })
  const result = await place.read()
  expect(result.config.concurrency).toBe(8)
  expect(codes(result)).toEqual(['CONFIG_FILE_MISSING'])
  expect(result.files).toContainEqual({ path: place.at('common.conf'), state: 'absent' })
})

test('the local file comes last, over both, and its lists add up', async () => {
  await using place = await makeConfigPlace({
    'host.conf':
      'deploy_concurrent: 8\nlog_level: debug\nlocal_image_path: [/a]\ncommon_config_file: common.conf\nlocal_config_file: local.conf',
    'common.conf': 'deploy_concurrent: 7',
    'local.conf': 'deploy_concurrent: 6\nlog_level: error\nlocal_image_path: [/b]',
  })
  const result = await place.read()
  expect(result.config).toMatchObject({ concurrency: 6, logLevel: 'error', imageRoots: ['/opt/cloud', '/a', '/b'] })
  expect(row(result, 'concurrency')?.overrode).toMatchObject([{ value: 7 }, { value: 8 }])
})

test('networks and addresses: lists of the platform add up, and are separated by commas where they are texts', async () => {
  await using place = await makeConfigPlace({
    'host.conf': [
      'customized_private_prefixes: [203.0.113.0/24]',
      'metadata_server_ip4s: [169.254.169.254]',
      'common_config_file: common.conf',
      'local_config_file: local.conf',
    ].join('\n'),
    'common.conf': 'metadata_server_ip4s:\n- 100.100.100.200\nmetadata_server_ip6s: []',
    'local.conf': 'customized_private_prefixes: [192.0.2.0/24, 203.0.113.0/24]',
  })
  const result = await place.read()
  expect(result.config).toMatchObject({
    privateNetworks: ['203.0.113.0/24', '192.0.2.0/24'],
    metadataIpv4Addresses: ['100.100.100.200'],
    metadataIpv6Addresses: [],
  })
  expect(codes(result)).toEqual([])
  expect(row(result, 'privateNetworks')?.source).toMatchObject({ file: place.at('local.conf'), line: 1 })
  const more = { HOST_DEPLOYER_METADATA_IPV6_ADDRESSES: 'fd00::1, fd00::2' }
  const flags = ['--private-networks', '198.51.100.0/24,203.0.113.0/24', '--customized-private-prefixes', '192.0.2.0/25']
  expect((await place.read(flags, more)).config).toMatchObject({
    privateNetworks: ['198.51.100.0/24', '203.0.113.0/24'],
    metadataIpv6Addresses: ['fd00::1', 'fd00::2'],
  })
})

test.each([
  ['customized_private_prefixes: [10.0.0.0]', []],
  ['customized_private_prefixes: [fd00::/8]', []],
  ['metadata_server_ip4s: [fd00::1]', []],
  ['metadata_server_ip6s: fe80::1%eth0', []],
  ['', ['--private-networks', '10.0.0.0/33']],
  ['', ['--metadata-ipv4-addresses', 'metadata.example']],
])('%s %j: CONFIG_INVALID', async (conf, words) => {
  await using place = await makeConfigPlace({ 'host.conf': conf })
  await expect(place.read(words)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('our own file, the environment and flags go over host.conf', async () => {
  await using place = await makeConfigPlace({
    'host.conf': 'deploy_concurrent: 8\nlocal_image_path: [/a]\ndeploy_guest_mem_size_mb: 512',
    'config.yaml':
      'concurrency: 7\nqueueLimit: 20\nsocketGroup: 107\nimageRoots: [/images]\ndriverOptions:\n  accel: tcg\n  memoryMb: 300\n',
  })
  const result = await place.read(['--concurrency=2', '--socket', '/run/y.sock', '--image-roots', '/x:/y', '--image-roots', '/z'], {
    HOST_DEPLOYER_CONCURRENCY: '3',
    HOST_DEPLOYER_QUEUE_LIMIT: '30',
    HOST_DEPLOYER_DRIVER_OPTIONS: '{"cpu":"max"}',
    HOST_DEPLOYER_SERVICE_HOST: '10.0.0.1',
    HOST_DEPLOYER_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
    HOST_DEPLOYER_JOB_TIMEOUT_MS: '',
  })
  expect(result.config).toMatchObject({
    concurrency: 2,
    queueLimit: 30,
    socketPath: '/run/y.sock',
    socketGroup: '107',
    imageRoots: ['/x', '/y', '/z', '/a'],
    driverOptions: { accel: 'tcg', memoryMb: 300, cpu: 'max' },
    jobTimeoutMs: 600_000,
  })
  expect(row(result, 'concurrency')?.overrode.map(({ source }) => source)).toEqual([
    { kind: 'environment', name: 'HOST_DEPLOYER_CONCURRENCY' },
    { kind: 'file', file: place.at('config.yaml'), line: 1, name: 'concurrency' },
    { kind: 'file', file: place.at('host.conf'), line: 1, name: 'deploy_concurrent' },
  ])
  expect(row(result, 'driverOptions.memoryMb')).toMatchObject({
    source: { line: 7, name: 'driverOptions.memoryMb' },
    overrode: [{ value: 512, source: { name: 'deploy_guest_mem_size_mb' } }],
  })
  expect(codes(result)).toEqual([])
})

test('what host.conf says about one driver is not handed to another', async () => {
  await using place = await makeConfigPlace({
    'host.conf': 'image_deploy_driver: nbd\ndeploy_guest_mem_size_mb: 512',
    'config.yaml': 'driver: ./my-driver.js',
  })
  expect((await place.read()).config).toMatchObject({ driver: './my-driver.js', driverOptions: {} })
  await place.write('host.conf', 'image_deploy_driver: qemu-kvm\ndeploy_guest_mem_size_mb: 512')
  await place.write('config.yaml', 'driver: nbd')
  expect((await place.read()).config.driverOptions).toEqual({ trustImages: true })
})

const nowhere = { text: '', words: [], env: {} }

test.each([
  ['our own file', 'driver', { ...nowhere, text: 'driver: nbd' }],
  ['a variable', 'HOST_DEPLOYER_DRIVER', { ...nowhere, env: { HOST_DEPLOYER_DRIVER: 'nbd' } }],
  ['an option', '--driver', { ...nowhere, words: ['--driver', 'nbd'] }],
])('to choose nbd by %s is to trust images, too, and comes with the warning', async (_, name, { text, words, env }) => {
  await using place = await makeConfigPlace({ 'host.conf': 'image_deploy_driver: qemu-kvm', 'config.yaml': text })
  const result = await place.read(words, env)
  expect(result.config).toMatchObject({ driver: 'nbd', driverOptions: { trustImages: true } })
  expect(row(result, 'driverOptions.trustImages')).toMatchObject({ source: { name } })
  expect(result.diagnostics).toMatchObject([{ code: 'CONFIG_IMAGES_TRUSTED', path: name }])
})

test.each([
  ['image_deploy_driver: nbd', ''],
  ['image_deploy_driver: qemu-kvm', 'driver: nbd\n'],
])('images are not trusted when our own file says so, whatever chose nbd: %j, %j', async (field, ours) => {
  await using place = await makeConfigPlace({ 'host.conf': field, 'config.yaml': `${ours}driverOptions: { trustImages: false }` })
  const result = await place.read()
  expect(result.config).toMatchObject({ driver: 'nbd', driverOptions: { trustImages: false } })
  expect(codes(result)).toEqual([])
})

test.each([
  ['socketPth: /run/x', 'CONFIG_KEY_UNKNOWN', 1],
  ['queueLimit: 5\ndeploy_concurrent: 5', 'CONFIG_KEY_UNKNOWN', 2],
  ['queueLimit: 5\nconcurrency: 0', 'CONFIG_INVALID', 2],
  ['concurrency: "5"', 'CONFIG_INVALID', 1],
  ['concurrency: 5\nconcurrency: 6', 'CONFIG_INVALID', 2],
  ['socketPath: x', 'CONFIG_INVALID', 1],
  ['imageRoots: [/a, b]', 'CONFIG_INVALID', 1],
  ['imageRoots: [/]', 'CONFIG_INVALID', 1],
  ['imageRoots: []', 'CONFIG_INVALID', 1],
  ['logLevel: loud', 'CONFIG_INVALID', 1],
  ['metricsTextfile: /x/y.txt', 'CONFIG_INVALID', 1],
  ['driverOptions: 5', 'CONFIG_INVALID', 1],
  ['[1]', 'CONFIG_INVALID', 1],
  ['queueLimit: 5\n---\nconcurrency: 6', 'CONFIG_INVALID', 2],
  ['? [a]\n: 1', 'CONFIG_INVALID', 1],
])('our own file is refused: %s', async (text, code, line) => {
  await using place = await makeConfigPlace({ 'host.conf': '', 'config.yaml': text })
  const error = await fails(place.read())
  expect(error.code).toBe(code)
  expect(problems(error)).toMatchObject([{ file: place.at('config.yaml'), line }])
})

test('a misspelt key of our own file is told the right one', async () => {
  await using place = await makeConfigPlace({ 'host.conf': '', 'config.yaml': 'socketPth: /run/x' })
  expect((await fails(place.read())).message).toContain('socketPath')
})

test('an empty file of ours and keys without a value are as good as none', async () => {
  await using place = await makeConfigPlace({ 'host.conf': '', 'config.yaml': '# nothing\n' })
  expect((await place.read()).config.concurrency).toBe(5)
  await place.write('config.yaml', 'concurrency:\n')
  expect((await place.read()).config.concurrency).toBe(5)
})

test.each([
  ['HOST_DEPLOYER_CONCURRENCY', 'x'],
  ['HOST_DEPLOYER_CONCURRENCY', '0'],
  ['HOST_DEPLOYER_ALLOW_VM_SELINUX', 'maybe'],
  ['HOST_DEPLOYER_DRIVER_OPTIONS', '[1]'],
  ['HOST_DEPLOYER_SOCKET_PATH', 'x'],
])('%s=%s is refused', async (name, value) => {
  await using place = await makeConfigPlace({ 'host.conf': '' })
  expect(problems(await fails(place.read([], { [name]: value })))).toMatchObject([{ code: 'CONFIG_INVALID', key: name }])
})

test('a variable that is not ours is a finding', async () => {
  await using place = await makeConfigPlace({ 'host.conf': '' })
  expect(codes(await place.read([], { HOST_DEPLOYER_CONCURENCY: '3' }))).toEqual(['CONFIG_VARIABLE_UNKNOWN'])
})

test('files that cannot be read are refused, our own file also when it is asked for and absent', async () => {
  await using place = await makeConfigPlace({ 'host.conf': '' })
  await expect(place.read(['--settings', place.at('none.yaml')])).rejects.toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' })
  await mkdir(place.at('directory'))
  for (const path of [place.at('directory'), '/dev/zero'])
    await expect(place.read(['--config', path])).rejects.toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' })
  await place.write('large.conf', `a: ${'x'.repeat(1_100_000)}`)
  await expect(place.read(['--config', place.at('large.conf')])).rejects.toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' })
  if (process.getuid?.() !== 0) {
    await chmod(place.at('host.conf'), 0)
    await expect(place.read()).rejects.toMatchObject({ code: 'CONFIG_FILE_UNREADABLE' })
  }
})

test('host.conf is looked up in ./etc when it is not named', async () => {
  await using place = await makeConfigPlace({ 'etc/host.conf': 'deploy_concurrent: 9' })
  expect((await readConfig({ env: {}, cwd: place.directory })).config.concurrency).toBe(9)
})

test("the resolver's own host.conf is not taken for the platform's", async () => {
  const { files } = await readConfig({ env: {}, cwd: '/' })
  expect(files.map(({ path }) => path)).toEqual(['/etc/yunion/host.conf', '/etc/yunion/host_local.conf', '/etc/host-deployer/config.yaml'])
})
