import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderLines } from './line-file.ts'
import { globalSshdValue, isSingleSshdKeyword, parseSshdConfig, setSshdValue, sshdIncludes } from './sshd-config.ts'

const debian = `# This is the sshd server system-wide configuration file.
Include /etc/ssh/sshd_config.d/*.conf

#Port 22
#PermitRootLogin prohibit-password
PasswordAuthentication no # for now
passwordauthentication yes
KbdInteractiveAuthentication=no
Banner "/etc/my banner"
AcceptEnv LANG LC_*
Subsystem	sftp	/usr/lib/openssh/sftp-server

Match User anoncvs
	X11Forwarding no
	PermitRootLogin yes
`

describe('sshd_config', () => {
  const config = parseSshdConfig(debian)

  test('the first global value counts', () => {
    expect(globalSshdValue(config, 'PasswordAuthentication')).toBe('no')
    expect(globalSshdValue(config, 'kbdinteractiveauthentication')).toBe('no')
    expect(globalSshdValue(config, 'Banner')).toBe('/etc/my banner')
    expect(globalSshdValue(config, 'PermitRootLogin')).toBeUndefined()
    expect(globalSshdValue(config, 'X11Forwarding')).toBeUndefined()
  })

  test('included files count where they are included', () => {
    expect(sshdIncludes(config)).toEqual(['/etc/ssh/sshd_config.d/*.conf'])
    const included = [parseSshdConfig('Match all\nPermitRootLogin no\n'), parseSshdConfig('PasswordAuthentication yes\n')]
    const readInclude = () => included
    expect(globalSshdValue(config, 'PasswordAuthentication', readInclude)).toBe('yes')
    expect(globalSshdValue(config, 'PermitRootLogin', readInclude)).toBeUndefined()
    const loop = () => [config]
    expect(globalSshdValue(config, 'PermitRootLogin', loop)).toBeUndefined()
  })

  test('set changes the first line', () => {
    const changed = setSshdValue(config, 'PasswordAuthentication', 'yes')
    expect(renderLines(changed)).toBe(debian.replace('PasswordAuthentication no # for now', 'PasswordAuthentication yes'))
    expect(setSshdValue(changed, 'PasswordAuthentication', 'yes')).toBe(changed)
  })

  test('set goes after the commented default, never into a Match block', () => {
    expect(renderLines(setSshdValue(config, 'PermitRootLogin', 'no'))).toBe(
      debian.replace('#PermitRootLogin prohibit-password\n', '#PermitRootLogin prohibit-password\nPermitRootLogin no\n'),
    )
    expect(renderLines(setSshdValue(config, 'UseDNS', 'no'))).toBe(debian.replace('Match User', 'UseDNS no\nMatch User'))
    expect(renderLines(setSshdValue(parseSshdConfig('UsePAM yes'), 'UseDNS', 'no'))).toBe('UsePAM yes\nUseDNS no\n')
  })

  test('set can win over included files', () => {
    const changed = setSshdValue(config, 'PasswordAuthentication', 'yes', { beforeIncludes: true })
    expect(renderLines(changed)).toBe(debian.replace('Include', 'PasswordAuthentication yes\nInclude'))
    expect(setSshdValue(changed, 'PasswordAuthentication', 'yes', { beforeIncludes: true })).toBe(changed)
  })

  test('refuses what would not do what it says', () => {
    expect(isSingleSshdKeyword('HostKey')).toBe(false)
    for (const [keyword, value] of [
      ['Port', '22'],
      ['Match', 'all'],
      ['Permit Root', 'no'],
      ['UseDNS', ''],
      ['UseDNS', 'no\nPermitRootLogin yes'],
    ] as const) {
      expect(() => setSshdValue(config, keyword, value)).toThrow(RangeError)
    }
  })
})

test('any text survives; what is set counts', () => {
  const part = fc.constantFrom('UseDNS', 'Match all', 'Include x', ' ', '\n', '\r\n', '#', '"', '=', 'yes', '#UseDNS no\n')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), fc.boolean(), (parts, beforeIncludes) => {
      const text = parts.join('')
      const config = parseSshdConfig(text)
      expect(renderLines(config)).toBe(text)
      const changed = setSshdValue(config, 'UseDNS', 'maybe', { beforeIncludes })
      expect(globalSshdValue(parseSshdConfig(renderLines(changed)), 'UseDNS')).toBe('maybe')
    }),
  )
})
