import { expect, test } from 'vitest'
import { parseResolvConf, renderResolvConf } from './resolv-conf.ts'

test('read', () => {
  const text =
    '# by hand\n; too\nnameserver 192.0.2.53\nnameserver\t2001:db8::53 \ndomain old.example\nsearch a.example b.example\noptions rotate\noptions ndots:2\nsortlist 10.0.0.0\n'
  expect(parseResolvConf(text)).toEqual({
    nameservers: ['192.0.2.53', '2001:db8::53'],
    search: ['a.example', 'b.example'],
    options: ['rotate', 'ndots:2'],
  })
  expect(parseResolvConf('search a\ndomain b c\n').search).toEqual(['b'])
})

test('render, and read again', () => {
  const conf = { nameservers: ['192.0.2.53'], search: ['a.example'], options: ['edns0'] }
  expect(renderResolvConf(conf, '# ours\n')).toBe('# ours\nnameserver 192.0.2.53\nsearch a.example\noptions edns0\n')
  expect(parseResolvConf(renderResolvConf(conf))).toEqual(conf)
  expect(renderResolvConf({ nameservers: [], search: [], options: [] })).toBe('')
  expect(() => renderResolvConf({ ...conf, nameservers: ['a\nb'] })).toThrow(RangeError)
})
