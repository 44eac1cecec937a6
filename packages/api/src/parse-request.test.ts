import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type ParsedRequest, type ParseRequestOptions, parseRequest, type RequestFiles } from './parse-request.ts'
import type { Problem } from './problem.ts'
import { Secret } from './secret.ts'
import { parsed, problemsOf, publicKey, refused, sha512Hash } from './testing/parse.ts'

describe('the kind of user-data', () => {
  test.each([
    ['#include\nhttp://example.org/'],
    ['#include-once\nx'],
    ['## template: jinja\n#cloud-config\n'],
    ['Content-Type: multipart/mixed; boundary="x"\n'],
    ['MIME-Version: 1.0\n'],
    ['#cloud-config-archive\n- x'],
    ['#cloud-config-jsonp\n[]'],
    ['#cloud-boothook\ntrue'],
    ['#part-handler\n'],
    ['\u001f\ufffd\b\0'],
    ['hostname: web\n'],
  ])('%j is not supported', (userData) => {
    expect(refused({ userData }).code).toBe('INPUT_USER_DATA_KIND_UNSUPPORTED')
  })

  test('blank lines and case do not matter to the header', () => {
    expect(parseRequest({ userData: '\n #Cloud-Config\r\nhostname: web\r\n' }).request.hostname).toBe('web')
  })

  test('a script runs once from a file of its own', () => {
    const { write_files: files, runcmd } = parseRequest({ userData: '#!/bin/sh\necho hello\n' }).request
    expect(files).toMatchObject([{ permissions: 0o700, owner: 'root:root' }])
    expect(Buffer.from(files?.[0]?.content ?? []).toString()).toBe('#!/bin/sh\necho hello\n')
    expect(runcmd).toEqual([[files?.[0]?.path]])
  })

  test.each([[''], ['#cloud-config'], ['#cloud-config\n# nothing\n'], ['#cloud-config\nusers:\n']])('%j asks for nothing', (userData) => {
    expect(Object.keys(parseRequest({ userData }).request)).toEqual(['seed', 'cloud_init'])
  })

  test('without files there is nothing either', () => {
    expect(parseRequest({}).request).toEqual({ seed: {}, cloud_init: 'keep' })
  })
})

describe('names', () => {
  test.each([
    ['hostname: web', {}, { hostname: 'web' }],
    ['hostname: web.example.org', {}, { hostname: 'web', fqdn: 'web.example.org' }],
    ['fqdn: web.example.org', {}, { hostname: 'web', fqdn: 'web.example.org' }],
    ['{hostname: a, fqdn: b.example.org}', {}, { hostname: 'a', fqdn: 'b.example.org' }],
    ['', { metaData: 'local-hostname: meta.example.org' }, { hostname: 'meta', fqdn: 'meta.example.org' }],
    ['', { metaData: '{"hostname": "meta"}' }, { hostname: 'meta' }],
    ['hostname: web', { metaData: 'local-hostname: meta.example.org' }, { hostname: 'web' }],
    ['fqdn: web.example.org', { metaData: 'local-hostname: meta' }, { hostname: 'web', fqdn: 'web.example.org' }],
    ['{hostname: web, preserve_hostname: true}', { metaData: 'local-hostname: meta' }, {}],
  ])('%j with %j', (yaml, files, names) => {
    const { hostname, fqdn } = parseRequest({ userData: `#cloud-config\n${yaml}`, ...files }).request
    expect({ ...(hostname !== undefined && { hostname }), ...(fqdn !== undefined && { fqdn }) }).toEqual(names)
  })

  test('the command line wins, over preserve_hostname too', () => {
    const request = parsed('{fqdn: web.example.org, preserve_hostname: true}', { overrides: { hostname: 'cli' } })
    expect(request).toMatchObject({ hostname: 'cli' })
    expect(request).not.toHaveProperty('fqdn')
  })

  test.each(['-web', 'web_1', 'a..b', `${'a'.repeat(64)}`, 'web.', '""'])('%s is no host name', (name) => {
    expect(problemsOf(`hostname: ${name}`)).toEqual(['INPUT_NAME_INVALID hostname 1'])
    expect(refused({}, { overrides: { hostname: name } }).code).toBe('INPUT_NAME_INVALID')
  })
})

describe('keys', () => {
  const other = publicKey.replace('somebody', 'else')

  test('of user-data, meta-data and command line add up', () => {
    const files = {
      userData: `#cloud-config\nssh_authorized_keys: ["${publicKey}"]`,
      metaData: `public-keys: {one: ["${publicKey}"], two: "${other}"}`,
    }
    const cli = `${publicKey} cli`
    expect(parseRequest(files, { overrides: { sshAuthorizedKeys: [cli] } }).request.ssh_authorized_keys).toEqual([publicKey, other, cli])
  })

  test.each([[`public-keys: ["${publicKey}"]`], [`public_keys: |\n  ${publicKey}\n`], [`{"public-keys": {"0": "${publicKey}"}}`]])(
    'meta-data %#',
    (metaData) => {
      expect(parseRequest({ metaData }).request).toMatchObject({ ssh_authorized_keys: [publicKey], meta: { 'public-keys': [publicKey] } })
    },
  )

  test.each([
    'ssh-ed25519',
    'ssh-ed25519 AAAA',
    'ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ0C5iqZ4Qm9T1bGmQY9xgqs8aZqkq1Y0Cq6wYhVZbq+',
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    'nonsense',
  ])('%s is not one', (key) => {
    expect(problemsOf(`ssh_authorized_keys:\n- "${publicKey}"\n- "${key}"`)).toEqual(['INPUT_SSH_KEY_INVALID ssh_authorized_keys[1] 3'])
    expect(refused({}, { overrides: { sshAuthorizedKeys: [key] } }).code).toBe('INPUT_SSH_KEY_INVALID')
  })

  test('options may stand in front', () => {
    const line = `restrict,command="echo hi" ${publicKey}`
    expect(parsed(`ssh_authorized_keys: ['${line}']`).ssh_authorized_keys).toEqual([line])
  })
})

describe('passwords', () => {
  const users = (yaml: string) =>
    parsed(yaml).chpasswd?.users.map(({ name, password }) => [name, password.type, 'value' in password ? password.value.reveal() : null])

  test.each([
    [
      'chpasswd: {list: "root:secret:x\\nalice:R\\n\\nbob:RANDOM"}',
      [
        ['root', 'plain', 'secret:x'],
        ['alice', 'random', null],
        ['bob', 'random', null],
      ],
    ],
    [
      `chpasswd: {list: ["root:${sha512Hash}", "a:b"]}`,
      [
        ['root', 'hash', sha512Hash],
        ['a', 'plain', 'b'],
      ],
    ],
    [
      `chpasswd: {users: [{name: root, password: "${sha512Hash}"}, {name: a, password: b, type: text}, {name: c, type: RANDOM}]}`,
      [
        ['root', 'hash', sha512Hash],
        ['a', 'plain', 'b'],
        ['c', 'random', null],
      ],
    ],
    ['chpasswd: {list: ["a:1", "a:2"]}', [['a', 'plain', '2']]],
  ])('%s', (yaml, expected) => {
    expect(users(yaml)).toEqual(expected)
    expect(parsed(yaml).chpasswd?.expire).toBe(true)
  })

  test.each([
    ['chpasswd: {list: ["root"]}', 'chpasswd.list[0]'],
    ['chpasswd: {list: ["root:"]}', 'chpasswd.list[0]'],
    ['chpasswd: {list: ["a:b:c\\nd"]}', 'chpasswd.list[0]'],
    ['chpasswd: {users: [{name: a, password: plain}]}', 'chpasswd.users[0].password'],
    ['chpasswd: {users: [{name: a, type: text}]}', 'chpasswd.users[0].password'],
    ['password: "a\\nb"', 'password'],
    ['password: "a\\0b"', 'password'],
    ['users: [{name: a, passwd: plain}]', 'users[0].passwd'],
    ['users: [{name: a, hashed_passwd: "$6$a:b$c"}]', 'users[0].hashed_passwd'],
    ['users: [{name: a, plain_text_passwd: ""}]', 'users[0].plain_text_passwd'],
  ])('%s is refused', (yaml, path) => {
    expect(problemsOf(yaml)).toEqual([`INPUT_PASSWORD_INVALID ${path} 1`])
  })

  test('password is for the default user, and left out where chpasswd names accounts', () => {
    expect(parsed('password: 0123').password).toMatchObject({ type: 'plain' })
    expect(parsed('password: R').password).toEqual({ type: 'random' })
    const both = parseRequest({ userData: '#cloud-config\npassword: a\nchpasswd: {list: ["a:b"]}' })
    expect(both.request).not.toHaveProperty('password')
    expect(both.diagnostics).toMatchObject([{ code: 'INPUT_PASSWORD_IGNORED', path: 'password' }])
  })

  test('the root password of the command line replaces the one of the file', () => {
    const rootPassword = { type: 'random' as const }
    expect(parsed('', { overrides: { rootPassword } }).chpasswd).toEqual({
      expire: false,
      users: [{ name: 'root', password: rootPassword }],
    })
    const merged = parsed('chpasswd: {list: ["root:a", "bob:b"]}', { overrides: { rootPassword } }).chpasswd
    expect(merged).toMatchObject({ expire: true, users: [{ name: 'bob' }, { name: 'root', password: { type: 'random' } }] })
    expect(refused({}, { overrides: { rootPassword: { type: 'plain', value: new Secret('a\nb') } } }).code).toBe('INPUT_PASSWORD_INVALID')
  })

  test('digits stay as they are written', () => {
    const { password } = parsed('password: 0123')
    expect(password !== undefined && 'value' in password && password.value.reveal()).toBe('0123')
  })
})

describe('write_files', () => {
  const content = (yaml: string) =>
    Buffer.from(parsed(`write_files: [{path: /f, ${yaml}}]`).write_files?.[0]?.content ?? []).toString('latin1')
  const gz = gzipSync('hello').toString('base64')

  test.each([
    ['content: hello', 'hello'],
    ['content: 1.10', '1.10'],
    ['encoding: b64, content: aGVs bG8=', 'hello'],
    ['encoding: BASE64, content: aGVsbG8=', 'hello'],
    ['encoding: text/plain, content: aGVsbG8=', 'aGVsbG8='],
    [`encoding: gz+b64, content: ${gz}`, 'hello'],
    [`encoding: gzip+base64, content: ${gz}`, 'hello'],
    [`encoding: gzip, content: !!binary ${gz}`, 'hello'],
    ['content: !!binary /wA=', '\u00ff\0'],
    ['defer: true', ''],
  ])('%s', (yaml, text) => {
    expect(content(yaml)).toBe(text)
  })

  test('defaults', () => {
    expect(parsed('write_files: [{path: /f}]').write_files).toEqual([
      { path: '/f', content: new Uint8Array(), owner: 'root:root', permissions: 0o644, append: false, defer: false },
    ])
  })

  test.each([
    ['"0755"', 0o755],
    ['0755', 0o755],
    ['"755"', 0o755],
    ['0o600', 0o600],
    ['493', 0o755],
    ['"4755"', 0o4755],
  ])('permissions %s', (yaml, mode) => {
    expect(parsed(`write_files: [{path: /f, permissions: ${yaml}}]`).write_files?.[0]?.permissions).toBe(mode)
  })

  test('a decimal that looks like a mode is taken as it is, with a warning', () => {
    const { request, diagnostics } = parseRequest({ userData: '#cloud-config\nwrite_files: [{path: /f, permissions: 644}]' })
    expect(request.write_files?.[0]?.permissions).toBe(644)
    expect(diagnostics).toMatchObject([{ severity: 'warning', code: 'INPUT_PERMISSIONS_DECIMAL', path: 'write_files[0].permissions' }])
  })

  test.each([
    ['path: /a/../b', 'INPUT_PATH_INVALID', '.path'],
    ['path: etc/motd', 'INPUT_PATH_INVALID', '.path'],
    ['path: "/a\\0b"', 'INPUT_PATH_INVALID', '.path'],
    [`path: /${'a'.repeat(4095)}`, 'INPUT_PATH_INVALID', '.path'],
    ['path: /', 'INPUT_PATH_INVALID', '.path'],
    ['path: /etc/', 'INPUT_PATH_INVALID', '.path'],
    ['content: x', 'INPUT_INVALID', '.path'],
    ['path: /f, permissions: "0888"', 'INPUT_INVALID', '.permissions'],
    ['path: /f, permissions: "10000"', 'INPUT_INVALID', '.permissions'],
    ['path: /f, permissions: -1', 'INPUT_INVALID', '.permissions'],
    ['path: /f, owner: "a:b:c"', 'INPUT_NAME_INVALID', '.owner'],
    ['path: /f, owner: "../x"', 'INPUT_NAME_INVALID', '.owner'],
    ['path: /f, encoding: rot13', 'INPUT_INVALID', '.encoding'],
    ['path: /f, encoding: b64, content: "a"', 'INPUT_INVALID', '.content'],
    ['path: /f, encoding: gzip, content: hello', 'INPUT_INVALID', '.content'],
    ['path: /f, source: {uri: http://example.org}', 'INPUT_KEY_UNSUPPORTED', '.source'],
  ])('%s is refused', (yaml, code, path) => {
    expect(problemsOf(`write_files: [{${yaml}}]`)).toEqual([`${code} write_files[0]${path} 1`])
  })

  test('a small archive cannot become a large file', () => {
    const bomb = gzipSync(Buffer.alloc(33 * 1024 * 1024)).toString('base64')
    expect(problemsOf(`write_files: [{path: /f, encoding: gz+b64, content: ${bomb}}]`)).toEqual([
      'INPUT_CONTENT_TOO_LARGE write_files[0].content 1',
    ])
  })

  test('files together have a limit too', () => {
    const large = gzipSync(Buffer.alloc(30 * 1024 * 1024)).toString('base64')
    const file = (path: string) => `{path: ${path}, encoding: gz+b64, content: ${large}}`
    expect(problemsOf(`write_files: [${file('/a')}, ${file('/b')}, ${file('/c')}]`)).toEqual(['INPUT_CONTENT_TOO_LARGE write_files 1'])
  })
})

describe('other keys', () => {
  test.each([
    ['manage_etc_hosts: localhost', { manage_etc_hosts: 'localhost' }],
    ['manage_etc_hosts: template', { manage_etc_hosts: true }],
    ['manage_etc_hosts: "False"', { manage_etc_hosts: false }],
    ['ssh_pwauth: yes', { ssh_pwauth: true }],
    ['ssh_pwauth: "no"', { ssh_pwauth: false }],
    ['ssh_pwauth: 1', { ssh_pwauth: true }],
    ['{disable_root: off, disable_root_opts: no-port-forwarding}', { disable_root: false, disable_root_opts: 'no-port-forwarding' }],
    ['timezone: America/Argentina/Buenos_Aires', { timezone: 'America/Argentina/Buenos_Aires' }],
    ['timezone: Etc/GMT+5', { timezone: 'Etc/GMT+5' }],
    ['{locale: de_DE.UTF-8, locale_configfile: /etc/default/locale}', { locale: 'de_DE.UTF-8', locale_configfile: '/etc/default/locale' }],
    ['locale: false', { locale: false }],
    ['growpart: {mode: auto}', { growpart: { mode: 'auto', devices: ['/'], ignore_growroot_disabled: false } }],
    ['growpart: {mode: off, devices: [/dev/sda1]}', { growpart: { mode: 'off', devices: ['/dev/sda1'], ignore_growroot_disabled: false } }],
    ['resize_rootfs: noblock', { resize_rootfs: true }],
    ['resize_rootfs: false', { resize_rootfs: false }],
    ['runcmd: [ls -l, [echo, 1, "a b"], null, []]', { runcmd: ['ls -l', ['echo', '1', 'a b']] }],
    ['bootcmd: [[touch, /x]]', { bootcmd: [['touch', '/x']] }],
  ])('%s', (yaml, request) => {
    expect(parsed(yaml)).toEqual({ ...request, cloud_init: 'keep', seed: expect.anything() })
  })

  test('ssh_pwauth: unchanged asks for nothing', () => {
    expect(parsed('ssh_pwauth: unchanged')).not.toHaveProperty('ssh_pwauth')
  })

  test('growpart of anything but the root is not supported yet, and can be left out', () => {
    const yaml = 'growpart:\n  devices:\n  - /data\n  - /\n  - /dev/vdb1\n'
    expect(problemsOf(yaml)).toEqual(['INPUT_KEY_UNSUPPORTED growpart.devices[0] 3', 'INPUT_KEY_UNSUPPORTED growpart.devices[2] 5'])
    const { request, diagnostics } = parseRequest({ userData: `#cloud-config\n${yaml}` }, { ignoreUnsupported: true })
    expect(request.growpart?.devices).toEqual(['/'])
    expect(diagnostics).toMatchObject([{ path: 'growpart.devices[0]' }, { path: 'growpart.devices[2]' }])
  })

  test('--grow', () => {
    expect(parsed('growpart: {mode: off}', { overrides: { grow: true } })).toMatchObject({
      growpart: { mode: 'auto' },
      resize_rootfs: true,
    })
  })

  test.each([
    ['ssh_pwauth: maybe', 'INPUT_INVALID ssh_pwauth 1'],
    ['timezone: ../etc/passwd', 'INPUT_INVALID timezone 1'],
    ['timezone: /etc/localtime', 'INPUT_INVALID timezone 1'],
    ['locale: "de DE"', 'INPUT_INVALID locale 1'],
    ['locale: true', 'INPUT_INVALID locale 1'],
    ['locale_configfile: /etc/default/locale', 'INPUT_KEY_UNSUPPORTED locale_configfile 1'],
    ['runcmd: ls', 'INPUT_INVALID runcmd 1'],
    ['runcmd: [{a: b}]', 'INPUT_INVALID runcmd[0] 1'],
    ['runcmd: ["a\\0b"]', 'INPUT_INVALID runcmd[0] 1'],
    ['growpart: {mode: sideways}', 'INPUT_INVALID growpart.mode 1'],
    ['- a', 'INPUT_INVALID  -1'],
  ])('%s is refused', (yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem])
  })
})

describe('unknown keys', () => {
  const yaml = 'hostnam: web\npackages: [vim]\nusers:\n- name: bob\n  shel: /bin/sh\n  ssh_import_id: [x]\n'

  test('are named all together, with their lines', () => {
    expect(problemsOf(yaml)).toEqual([
      'INPUT_KEY_UNKNOWN hostnam 1',
      'INPUT_KEY_UNSUPPORTED packages 2',
      'INPUT_KEY_UNKNOWN users[0].shel 5',
      'INPUT_KEY_UNSUPPORTED users[0].ssh_import_id 6',
    ])
  })

  test('come with the likely key', () => {
    expect(refused({ userData: `#cloud-config\n${yaml}` }).message).toMatch(/shell/)
  })

  test('can be left out', () => {
    const { request, diagnostics } = parseRequest({ userData: `#cloud-config\n${yaml}` }, { ignoreUnsupported: true })
    expect(diagnostics.map(({ severity, code, path }) => [severity, code, path])).toEqual([
      ['warning', 'INPUT_KEY_UNKNOWN', 'hostnam'],
      ['warning', 'INPUT_KEY_UNSUPPORTED', 'packages'],
      ['warning', 'INPUT_KEY_UNKNOWN', 'users[0].shel'],
      ['warning', 'INPUT_KEY_UNSUPPORTED', 'users[0].ssh_import_id'],
    ])
    expect(request.users).toMatchObject([{ name: 'bob' }])
  })

  test('of meta-data matter only when they change the guest', () => {
    const metaData = 'instance-id: i\navailability-zone: x\nnetwork-interfaces: |\n  auto eth0\n'
    expect(refused({ metaData }).code).toBe('INPUT_KEY_UNSUPPORTED')
    const { request, diagnostics } = parseRequest({ metaData }, { ignoreUnsupported: true })
    expect(request.meta).toEqual({ 'instance-id': 'i' })
    expect(diagnostics).toMatchObject([{ code: 'INPUT_KEY_UNSUPPORTED', path: 'network-interfaces' }])
  })

  test('leaving them out hides no other mistake', () => {
    const error = refused({ userData: `#cloud-config\n${yaml}timezone: ..\n` }, { ignoreUnsupported: true })
    expect(error.code).toBe('INPUT_INVALID')
  })

  test('a key that swallowed its value is not shown', () => {
    const error = refused({ userData: '#cloud-config\nchpasswd:\n  root:hunter2: x\n' })
    expect(inspect(error)).not.toContain('hunter2')
  })
})

describe('delegated', () => {
  const delegated = (files: RequestFiles, options: ParseRequestOptions = {}) => parseRequest(files, { cloudInit: 'delegate', ...options })
  const found = ({ diagnostics }: ParsedRequest) => diagnostics.map(({ severity, code, path }) => [severity, code, path])

  test.each([false, true])('keys that only cloud-init knows are left to it (ignoreUnsupported %s)', (ignoreUnsupported) => {
    const userData = '#cloud-config\nhostname: web\npackages: [nginx]\nsnapp: {}\nusers: [{name: bob, ssh_import_id: [x]}]\n'
    const parsed = delegated({ userData }, { ignoreUnsupported })
    expect(found(parsed)).toEqual([
      ['info', 'INPUT_KEY_UNSUPPORTED', 'packages'],
      ['info', 'INPUT_KEY_UNKNOWN', 'snapp'],
      ['info', 'INPUT_KEY_UNSUPPORTED', 'users[0].ssh_import_id'],
    ])
    expect(parsed.diagnostics.every(({ summary }) => summary.startsWith('left to cloud-init: '))).toBe(true)
    expect(parsed.request).toMatchObject({ hostname: 'web', cloud_init: 'delegate' })
    expect(parsed.request.seed.userData?.reveal()).toBe(userData)
  })

  test('so are interfaces of other kinds, and keys of meta-data', () => {
    const networkConfig = 'version: 2\nethernets: {eth0: {}}\nbonds: {bond0: {interfaces: [eth0], dhcp4: true}}\n'
    const parsed = delegated({ networkConfig, metaData: 'network-interfaces: auto eth0\n' })
    expect(found(parsed)).toEqual([
      ['info', 'INPUT_KEY_UNSUPPORTED', 'network-interfaces'],
      ['info', 'INPUT_KEY_UNSUPPORTED', 'bonds'],
    ])
    expect(parsed.request.seed.networkConfig?.reveal()).toBe(networkConfig)
    expect(found(delegated({ networkConfig: 'version: 1\nconfig: [{type: vlan, name: v}]\n' }))).toEqual([
      ['info', 'INPUT_KEY_UNSUPPORTED', 'config[0]'],
    ])
  })

  test.each([
    ['Content-Type: multipart/mixed; boundary="x"\nMIME-Version: 1.0\n\n--x--\n'],
    ['#include\nhttp://example.org/'],
    ['## template: jinja\n#cloud-config\nhostname: {{ v1.region }}\n'],
    ['#cloud-config-archive\n- {content: "#cloud-config\\n{}"}\n'],
    ['#cloud-boothook\ntrue\n'],
  ])('%j is left to it as it is', (userData) => {
    const parsed = delegated({ userData }, { overrides: { hostname: 'cli' } })
    expect(found(parsed)).toEqual([['info', 'INPUT_USER_DATA_KIND_UNSUPPORTED', undefined]])
    expect(parsed.request.hostname).toBe('cli')
    expect(parsed.request.seed.userData?.reveal()).toBe(userData)
  })

  test.each(['hostname: web\n', '\u001f\ufffd\b\0'])('%j means nothing to it either', (userData) => {
    expect(refused({ userData }, { cloudInit: 'delegate' }).code).toBe('INPUT_USER_DATA_KIND_UNSUPPORTED')
  })

  test('other mistakes are still mistakes', () => {
    expect(refused({ userData: '#cloud-config\npackages: [vim]\ntimezone: ..\n' }, { cloudInit: 'delegate' }).code).toBe('INPUT_INVALID')
  })

  test('keys of our own would be lost', () => {
    const userData =
      '#cloud-config\nseal: true\nselinux: {mode: permissive}\nlogin_account: {}\nusers:\n- default\n- name: a\n  ssh-authorized-keys-only: true\n'
    const { context } = refused({ userData }, { cloudInit: 'delegate' })
    expect((context['problems'] as readonly Problem[]).map(({ code, path, line }) => [code, path, line])).toEqual([
      ['INPUT_KEY_UNSUPPORTED', 'login_account', 4],
      ['INPUT_KEY_UNSUPPORTED', 'selinux', 3],
      ['INPUT_KEY_UNSUPPORTED', 'users[1].ssh_authorized_keys_only', 7],
    ])
    const parsed = delegated({ userData }, { ignoreUnsupported: true })
    expect(found(parsed).map(([severity]) => severity)).toEqual(['warning', 'warning', 'warning'])
    expect(parsed.request).toMatchObject({ seal: true })
    expect(parsed.request).not.toHaveProperty('selinux')
    expect(parsed.request).not.toHaveProperty('login_account')
  })
})
