import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCloudCfg, renderCloudCfg } from './cloud-cfg.ts'
import { generatedHeader } from './generated-header.ts'
import { parseNetplan, renderNetplan } from './netplan.ts'
import { parseYaml, renderYaml } from './yaml-file.ts'

describe('yaml', () => {
  test('what is rendered reads back', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'yes',
        'off',
        '012',
        '12:30:45',
        '0x10',
        '1_000',
        '~',
        'null',
        '1e3',
        '52:54:00:12:34:56',
        '- a',
        'a: b',
        '#',
        '2001-01-01',
      ),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.stringMatching(/^[a-z0-9:-]{1,6}$/), tie('tree')),
      ),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        expect(parseYaml(renderYaml(value, '# ours\n'))).toEqual({ ok: true, value })
      }),
    )
  })

  test('the same object twice is written twice, long lines stay whole', () => {
    const shared = { text: 'word '.repeat(60).trim() }
    expect(renderYaml({ a: shared, b: shared })).toBe(`a:\n  text: ${shared.text}\nb:\n  text: ${shared.text}\n`)
  })

  test('mistakes have a line', () => {
    expect(parseYaml('a: 1\nb: [\n')).toMatchObject({ ok: false, line: 3 })
    expect(parseYaml('a: 1\na: 2\n')).toMatchObject({ ok: false, line: 2 })
    expect(parseYaml('x:\n  - b: 1\n    "b": 2\n')).toMatchObject({ ok: false, line: 3 })
    expect(parseYaml('- a: 1\n- a: 1\n')).toMatchObject({ ok: true })
    expect(parseYaml('['.repeat(3_000)).ok).toBe(false)
    expect(parseYaml('a: &x {b: 1}\nc: {<<: *x, d: 2}\n')).toEqual({ ok: true, value: { a: { b: 1 }, c: { b: 1, d: 2 } } })
    expect(parseYaml('')).toEqual({ ok: true, value: null })
  })

  test('aliases that multiply are refused', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(parseYaml(lines.join('\n')).ok).toBe(false)
  })
})

test('netplan', () => {
  const document = {
    network: { version: 2, ethernets: { nic0: { match: { macaddress: '52:54:00:12:34:56' }, addresses: ['192.0.2.5/24'] } } },
  }
  const text = renderNetplan(document)
  expect(text).toBe(`${generatedHeader('#')}network:
  version: 2
  ethernets:
    nic0:
      match:
        macaddress: "52:54:00:12:34:56"
      addresses:
        - 192.0.2.5/24
`)
  expect(parseNetplan(text)).toEqual({ ok: true, value: document })
})

describe('cloud.cfg', () => {
  test('read', () => {
    expect(
      parseCloudCfg('# to update this file, run dpkg-reconfigure cloud-init\ndatasource_list: [ NoCloud, ConfigDrive, None ]\n'),
    ).toMatchObject({
      datasourceList: ['NoCloud', 'ConfigDrive', 'None'],
      preserveHostname: undefined,
      networkDisabled: false,
    })
    expect(parseCloudCfg('preserve_hostname: true\nmanage_etc_hosts: localhost\nnetwork: {config: disabled}\n')).toMatchObject({
      datasourceList: undefined,
      preserveHostname: true,
      manageEtcHosts: 'localhost',
      networkDisabled: true,
    })
    expect(parseCloudCfg('')?.values).toEqual({})
    expect(parseCloudCfg('- a\n')).toBeUndefined()
    expect(parseCloudCfg('a: [\n')).toBeUndefined()
  })

  test('render', () => {
    const text = renderCloudCfg({ network: { config: 'disabled' }, preserve_hostname: true })
    expect(text).toBe(`${generatedHeader('#')}network:\n  config: disabled\npreserve_hostname: true\n`)
    expect(parseCloudCfg(text)).toMatchObject({ networkDisabled: true, preserveHostname: true })
  })
})
