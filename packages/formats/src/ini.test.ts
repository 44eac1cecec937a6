import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type IniFile, iniSections, iniValues, renderIni, setIniValues } from './ini.ts'
import { renderLines } from './line-file.ts'
import { effectiveUnitValues, parseKeyfile, parseUnit } from './systemd-unit.ts'

const unitText = `# /etc/systemd/system/web.service
[Unit]
Description = A web server
After=network.target

[Service]
ExecStart=/usr/bin/web \\
# not part of it
    --port 80
ExecStart=
ExecStart=/usr/bin/web --port 8080
; Environment=A=0
Environment=A=1 "B=2 3"

[Service]
Restart=always
[Install]
WantedBy=multi-user.target`

describe('unit', () => {
  const unit = parseUnit(unitText)

  test('values, continued lines, repeated keys and sections', () => {
    expect(iniSections(unit)).toEqual(['Unit', 'Service', 'Install'])
    expect(iniValues(unit, 'Unit', 'Description')).toEqual(['A web server'])
    expect(iniValues(unit, 'Service', 'ExecStart')).toEqual(['/usr/bin/web  --port 80', '', '/usr/bin/web --port 8080'])
    expect(effectiveUnitValues(unit, 'Service', 'ExecStart')).toEqual(['/usr/bin/web --port 8080'])
    expect(iniValues(unit, 'Service', 'Environment')).toEqual(['A=1 "B=2 3"'])
    expect(iniValues(unit, 'Service', 'Restart')).toEqual(['always'])
    expect(iniValues(unit, 'service', 'restart')).toEqual([])
  })

  test('a changed value leaves the other lines alone', () => {
    expect(renderLines(setIniValues(unit, 'Unit', 'After', ['a.target']))).toBe(unitText.replace('network.target', 'a.target'))
    expect(renderLines(setIniValues(unit, 'Install', 'WantedBy', ['a.target', 'b.target']))).toBe(
      unitText.replace('=multi-user.target', '=a.target\nWantedBy=b.target\n'),
    )
    expect(renderLines(setIniValues(unit, 'Service', 'ExecStart', ['/bin/x']))).toBe(
      unitText.replace(/ExecStart=[\s\S]*8080\n/, 'ExecStart=/bin/x\n'),
    )
    expect(renderLines(setIniValues(unit, 'Unit', 'After', []))).toBe(unitText.replace('After=network.target\n', ''))
  })

  test('new keys and sections', () => {
    expect(renderLines(setIniValues(unit, 'Service', 'User', ['web']))).toBe(unitText.replace('always\n', 'always\nUser=web\n'))
    expect(renderLines(setIniValues(unit, 'Socket', 'Accept', ['no']))).toBe(`${unitText}\n\n[Socket]\nAccept=no\n`)
    expect(renderLines(setIniValues(parseUnit(''), 'Match', 'Name', ['eth0']))).toBe('[Match]\nName=eth0\n')
  })

  test.each([
    ['a]b', 'Key', 'v'],
    ['S', 'a=b', 'v'],
    ['S', '', 'v'],
    ['S', '#Key', 'v'],
    ['S', 'Key', 'a\n[Service]'],
    ['S', 'Key', 'ends in \\'],
  ])('refuses [%s] %j=%j', (section, key, value) => {
    expect(() => setIniValues(unit, section, key, [value])).toThrow(RangeError)
    expect(() => renderIni([{ section, values: [[key, value]] }])).toThrow(RangeError)
  })
})

test('a keyfile has no continued lines', () => {
  const text = '[connection]\nid=a\\\ntype=ethernet\n'
  expect(iniValues(parseKeyfile(text), 'connection', 'type')).toEqual(['ethernet'])
  expect(iniValues(parseUnit(text), 'connection', 'type')).toEqual([])
})

test('a fresh file', () => {
  const text = renderIni(
    [
      { section: 'Match', values: [['MACAddress', '52:54:00:12:34:56']] },
      {
        section: 'Network',
        values: [
          ['DHCP', 'no'],
          ['Address', ['192.0.2.5/24', '2001:db8::5/64']],
        ],
      },
    ],
    '# ours\n',
  )
  expect(text).toBe('# ours\n[Match]\nMACAddress=52:54:00:12:34:56\n\n[Network]\nDHCP=no\nAddress=192.0.2.5/24\nAddress=2001:db8::5/64\n')
  expect(iniValues(parseUnit(text), 'Network', 'Address')).toEqual(['192.0.2.5/24', '2001:db8::5/64'])
})

test('any text survives; what is set reads back; setting it again is a no-op', () => {
  const part = fc.constantFrom('[S]', '[T]', 'K=1', 'K = 2', '\n', '\r\n', '\\\n', '#', ';', ' ', '=', '[', 'x')
  const values = fc.array(fc.stringMatching(/^([a-z0-9=#[]( [a-z;])?)?$/), { maxLength: 3 })
  fc.assert(
    fc.property(fc.array(part, { maxLength: 24 }), values, fc.boolean(), (parts, wanted, unit) => {
      const parse: (text: string) => IniFile = unit ? parseUnit : parseKeyfile
      const text = parts.join('')
      const before = parse(text)
      expect(renderLines(before)).toBe(text)
      // A file whose last line is continued takes the next line into it.
      fc.pre(!text.endsWith('\\\n'))
      const after = setIniValues(before, 'S', 'K', wanted)
      const again = parse(renderLines(after))
      expect(iniValues(again, 'S', 'K')).toEqual(wanted)
      expect(setIniValues(again, 'S', 'K', wanted)).toBe(again)
      expect(iniValues(again, 'T', 'K')).toEqual(iniValues(before, 'T', 'K'))
    }),
  )
})
