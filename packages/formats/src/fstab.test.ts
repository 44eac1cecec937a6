import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FstabEntry, findMount, parseFstab, removeMount, upsertMount } from './fstab.ts'
import { renderLines } from './line-file.ts'

const text = `# /etc/fstab: static file system information.
UUID=0a3407de-014b-458b-b5c1-848e92a327a3 /               ext4    errors=remount-ro 0       1
UUID=1C2D-3E4F  /boot/efi       vfat    umask=0077      0       1
/dev/mapper/vg-swap none swap sw 0 0
LABEL=data /srv/my\\040files xfs noatime,nofail # four fields
tmpfs /tmp tmpfs defaults,context="system_u:object_r:tmp_t:s0:c1,c2"
broken line`
const entry: FstabEntry = { source: 'LABEL=a b', target: '/mnt/a b', type: 'ext4', options: ['defaults', 'nofail'], dump: 0, pass: 2 }

describe('fstab', () => {
  const fstab = parseFstab(text)

  test('reads lines of four and six fields', () => {
    expect(findMount(fstab, '/')).toMatchObject({ type: 'ext4', options: ['errors=remount-ro'], pass: 1 })
    expect(findMount(fstab, '/tmp')).toMatchObject({
      options: ['defaults', 'context="system_u:object_r:tmp_t:s0:c1,c2"'],
      dump: 0,
      pass: 0,
    })
    expect(fstab.entries).toHaveLength(5)
  })

  test('escapes are octal, comments at the end are not fields', () => {
    const spaced = parseFstab('LABEL=x /srv/my\\040files xfs noatime,nofail # four fields\n')
    expect(findMount(spaced, '/srv/my files')).toMatchObject({ options: ['noatime', 'nofail'], dump: 0, pass: 0 })
  })

  test('adds, replaces, removes', () => {
    const added = upsertMount(fstab, entry)
    expect(renderLines(added)).toBe(`${text}\nLABEL=a\\040b /mnt/a\\040b ext4 defaults,nofail 0 2\n`)
    expect(upsertMount(added, entry)).toBe(added)
    expect(renderLines(removeMount(added, '/mnt/a b'))).toBe(`${text}\n`)
    const swap = upsertMount(fstab, {
      source: '/dev/mapper/vg-swap',
      target: 'none',
      type: 'swap',
      options: ['sw', 'pri=5'],
      dump: 0,
      pass: 0,
    })
    expect(renderLines(swap)).toBe(text.replace('/dev/mapper/vg-swap none swap sw 0 0', '/dev/mapper/vg-swap none swap sw,pri=5 0 0'))
    expect(removeMount(fstab, '/nowhere')).toBe(fstab)
  })

  test.each([{ source: '' }, { target: 'a\nb' }, { pass: -1 }, { dump: 0.5 }])('refuses %j', (change) => {
    expect(() => upsertMount(fstab, { ...entry, ...change })).toThrow(RangeError)
  })
})

test('any text survives; any entry reads back', () => {
  const word = fc.string({ unit: fc.constantFrom('a', '/', ' ', '\t', '\\', '#', '0', '4', '"', 'é'), minLength: 1, maxLength: 8 })
  const soup = fc
    .array(fc.oneof(word, fc.constantFrom('\n', '/ ext4 defaults 0 1\n', 'a b c')), { maxLength: 20 })
    .map((parts) => parts.join(''))
  fc.assert(fc.property(soup, (lines) => renderLines(parseFstab(lines)) === lines))
  fc.assert(
    fc.property(soup, word, word, (lines, source, path) => {
      const target = `/${path}`.replace(/(.)\/+$/, '$1')
      const changed = upsertMount(removeMount(parseFstab(lines), target), { ...entry, source, target })
      expect(findMount(parseFstab(renderLines(changed)), target)).toEqual({ ...entry, source, target })
    }),
  )
})
