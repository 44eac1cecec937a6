// The programs that read these files on a guest, asked what they make of what we wrote.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addAuthorizedKey, parseAuthorizedKey, parseAuthorizedKeys } from './authorized-keys.ts'
import { type FstabEntry, parseFstab, upsertMount } from './fstab.ts'
import { renderInterfaces } from './interfaces.ts'
import { renderLines } from './line-file.ts'
import { renderNetplan } from './netplan.ts'
import { parsePublicKey, publicKeyFingerprint } from './public-key.ts'
import { globalSshdValue, parseSshdConfig, setSshdValue } from './sshd-config.ts'
import { renderSudoers } from './sudoers.ts'
import { escapeUnitName, escapeUnitPath } from './unit-name.ts'
import { renderYaml } from './yaml-file.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'formats-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function write(name: string, text: string, mode = 0o600): string {
  const path = join(dir, name)
  writeFileSync(path, text, { mode })
  return path
}

function run(...argv: readonly [string, ...string[]]): string {
  const { status, stdout, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${status}: ${stderr}`)
  return stdout
}

describe('sshd', () => {
  const text = `# main
#PermitRootLogin prohibit-password
PasswordAuthentication no
passwordauthentication yes
X11Forwarding=yes
Banner "/etc/my banner"
MaxAuthTries	4

Match User anoncvs
	PermitRootLogin yes
	X11Forwarding no`

  test('reads the values we read and the ones we set', () => {
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'host_key'))
    let config = parseSshdConfig(`HostKey ${join(dir, 'host_key')}\n${text}\n`)
    config = setSshdValue(config, 'PermitRootLogin', 'no')
    config = setSshdValue(config, 'MaxAuthTries', '3')
    config = setSshdValue(config, 'UseDNS', 'yes')
    const path = write('sshd_config', renderLines(config))
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 }) // where sshd insists on separating privileges
    const seen = new Map(
      run('sshd', '-T', '-f', path)
        .split('\n')
        .map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)]),
    )
    expect(seen.get('permitrootlogin')).toBe('no')
    for (const keyword of ['passwordauthentication', 'x11forwarding', 'banner', 'maxauthtries', 'permitrootlogin', 'usedns']) {
      expect({ keyword, value: seen.get(keyword) }).toEqual({ keyword, value: globalSshdValue(config, keyword) })
    }
  })
})

describe('ssh-keygen', () => {
  test.each([
    ['ed25519', []],
    ['rsa', ['-b', '2048']],
    ['ecdsa', ['-b', '256']],
    ['ecdsa', ['-b', '384']],
    ['ecdsa', ['-b', '521']],
  ])('a %s key %j, its certificate and its fingerprint', (type, bits) => {
    const name = join(dir, `${type}${bits.at(-1) ?? ''}`)
    run('ssh-keygen', '-q', '-t', type, ...bits, '-N', '', '-C', 'alice@example', '-f', name)
    const key = parsePublicKey(readFileSync(`${name}.pub`, 'utf8'))
    if (key === undefined) throw new Error('not read')
    expect(key.comment).toBe('alice@example')
    expect(run('ssh-keygen', '-l', '-f', `${name}.pub`).split(' ')[1]).toBe(publicKeyFingerprint(key))

    run('ssh-keygen', '-q', '-s', name, '-I', 'id', '-n', 'alice', `${name}.pub`)
    expect(parsePublicKey(readFileSync(`${name}-cert.pub`, 'utf8'))?.type).toBe(`${key.type}-cert-v01@openssh.com`)

    const file = addAuthorizedKey(parseAuthorizedKeys('# keys'), `command="a \\"b\\", c",no-pty ${key.type} ${key.body} x`)
    expect(run('ssh-keygen', '-l', '-f', write('authorized_keys', renderLines(file)))).toContain(publicKeyFingerprint(key))
    expect(parseAuthorizedKey(`${key.type} ${key.body}`)?.options).toEqual([])
  })
})

describe('visudo', () => {
  test('takes the rules we take', () => {
    const rules = [
      'ALL=(ALL) NOPASSWD:ALL',
      'ALL=(ALL:ALL) ALL',
      'ALL = NOPASSWD: /usr/bin/apt, (root) SETENV: /bin/systemctl restart web',
      'web1,web2=(www-data,#33) /bin/kill -9 \\:1',
    ]
    const users = ['alice', 'ALL', 'Defaults', 'ADMIN', '%admin', '#5', '+net', 'machine$', 'first.last', 'a b', 'a@b', 'a=b!'].map(
      (user) => ({ user, rules }),
    )
    run('visudo', '-c', '-f', write('sudoers', renderSudoers(users, '# ours\n'), 0o440))
  })
})

describe('systemd-escape', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'Z', '0', '/', '-', '_', '.', ':', '@', ' ', '\\', '\u00e9', '\u{1f511}'),
    minLength: 1,
    maxLength: 12,
  })

  test('escapes alike', () => {
    const names = fc.sample(text, 200)
    expect(
      run('systemd-escape', '--', ...names)
        .trimEnd()
        .split(' '),
    ).toEqual(names.map(escapeUnitName))
    const paths = fc.sample(text, 200).map((name) => `/${name.replaceAll(/(^|\/)\.{1,2}(?=\/|$)/g, '$1x')}`)
    expect(
      run('systemd-escape', '--path', '--', ...paths)
        .trimEnd()
        .split(' '),
    ).toEqual(paths.map(escapeUnitPath))
  })
})

describe('findmnt', () => {
  test('reads our fstab', () => {
    const entries: FstabEntry[] = [
      { source: 'UUID=0a3407de-014b-458b-b5c1-848e92a327a3', target: '/', type: 'ext4', options: ['errors=remount-ro'], dump: 0, pass: 1 },
      { source: 'LABEL=a b', target: '/srv/my data', type: 'xfs', options: ['noatime', 'context="u:r:t:s0:c1,c2"'], dump: 0, pass: 2 },
      { source: '/dev/x\\y', target: '/tab\there', type: 'auto', options: ['defaults'], dump: 1, pass: 0 },
    ]
    const path = write('fstab', renderLines(entries.reduce(upsertMount, parseFstab('# ours'))))
    const seen = JSON.parse(
      run('findmnt', '--tab-file', path, '--list', '--json', '--output', 'SOURCE,TARGET,FSTYPE,OPTIONS,FREQ,PASSNO'),
    ) as {
      filesystems: Record<string, unknown>[]
    }
    expect(
      seen.filesystems.map(({ source, target, fstype, options, freq, passno }) => [
        source,
        target,
        fstype,
        options,
        Number(freq),
        Number(passno),
      ]),
    ).toEqual(entries.map(({ source, target, type, options, dump, pass }) => [source, target, type, options.join(','), dump, pass]))
  })
})

describe('network', () => {
  test('ifquery reads our interfaces file', () => {
    const path = write(
      'interfaces',
      renderInterfaces(
        [
          { kind: 'allow', keyword: 'auto', names: ['lo', 'eth0'] },
          { kind: 'iface', name: 'lo', family: 'inet', method: 'loopback', options: [] },
          {
            kind: 'iface',
            name: 'eth0',
            family: 'inet',
            method: 'static',
            options: [
              { name: 'address', value: '192.0.2.5/24' },
              { name: 'gateway', value: '192.0.2.1' },
            ],
          },
        ],
        '# ours\n',
      ),
    )
    expect(run('ifquery', '-i', path, '--list').trim().split('\n')).toEqual(['lo', 'eth0'])
    expect(run('ifquery', '-i', path, 'eth0')).toContain('gateway: 192.0.2.1')
  })

  test('netplan generates from our file', () => {
    mkdirSync(join(dir, 'etc', 'netplan'), { recursive: true })
    const document = {
      network: {
        version: 2,
        renderer: 'networkd',
        ethernets: { nic0: { match: { macaddress: '52:54:00:12:34:56' }, 'set-name': 'eth0', addresses: ['192.0.2.5/24'] } },
      },
    }
    write('etc/netplan/50-host-deployer.yaml', renderNetplan(document))
    run('netplan', 'generate', '--root-dir', dir)
    expect(readFileSync(join(dir, 'run', 'systemd', 'network', '10-netplan-nic0.network'), 'utf8')).toContain('Address=192.0.2.5/24')
  })
})

test("Python's YAML reader, which cloud-init uses, reads our strings as strings", () => {
  const plain =
    'yes No on OFF y 012 0o12 12:30:45 0x1f 1_000 ~ null 1e3 1.5 .inf 2001-01-01 52:54:00:12:34:56 << = *a &a !x %a @a - ? --- | >'.split(
      ' ',
    )
  const unit = fc.constantFrom(...'a1:-# \n\r\t\0"\'{},\\\u00e9\u0085\u2028\x7f\ufeff'.split(''))
  const soup = fc.sample(fc.string({ unit, maxLength: 10 }), 500)
  const values = [...plain, ...soup]
  const path = write('values.yaml', renderYaml({ values, keys: Object.fromEntries(plain.map((key) => [key, 1])) }))
  const script = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1], encoding="utf-8"))))'
  expect(JSON.parse(run('/usr/bin/python3', '-c', script, path))).toEqual({
    values,
    keys: Object.fromEntries(plain.map((key) => [key, 1])),
  })
})
