import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderLines } from './line-file.ts'
import { getShellValue, parseShellAssignments, setShellValue, shellValues, unsetShellValue } from './shell-assignments.ts'

const grub = `# If you change this file, run 'update-grub' afterwards.
GRUB_DEFAULT=0
GRUB_DISTRIBUTOR=\`lsb_release -i -s 2> /dev/null || echo Debian\`
GRUB_CMDLINE_LINUX_DEFAULT="quiet"   # keep it calm
export GRUB_CMDLINE_LINUX='console=tty0 console=ttyS0'
GRUB_PRELOAD="part_gpt \\
  lvm"

GRUB_HOME=$HOME/grub
OPEN="never closed`

const value = fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '$', '`', '\\', '#', '~', ';', '=', 'é'), maxLength: 8 })
const soup = fc
  .array(fc.oneof(fc.constantFrom('A=1', 'export B="x', "C='", '\\', '"', '\r\n', '\n', '#', ' '), value), { maxLength: 24 })
  .map((parts) => parts.join(''))

test('any text survives the round trip', () => {
  fc.assert(fc.property(soup, (text) => renderLines(parseShellAssignments(text)) === text))
})

test('what is set is read back, by the same and by a fresh parse; setting it again is a no-op', () => {
  fc.assert(
    fc.property(soup, fc.constantFrom('A', 'B', 'ZZ'), value, fc.constantFrom('bare', 'single', 'double'), (text, key, wanted, style) => {
      const before = parseShellAssignments(text)
      // A file that ends in the middle of a value takes the new line into it; nothing sane can be appended there.
      fc.pre(!/["'\\]/.test(text))
      const after = setShellValue(before, key, wanted, style)
      expect(getShellValue(after, key)).toBe(wanted)
      const again = parseShellAssignments(renderLines(after))
      expect(getShellValue(again, key)).toBe(wanted)
      expect(setShellValue(again, key, wanted)).toBe(again)
    }),
  )
})

describe('a real file', () => {
  const file = parseShellAssignments(grub)

  test('values as a shell sees them', () => {
    expect(Object.fromEntries(shellValues(file))).toEqual({
      GRUB_DEFAULT: '0',
      GRUB_CMDLINE_LINUX_DEFAULT: 'quiet',
      GRUB_CMDLINE_LINUX: 'console=tty0 console=ttyS0',
      GRUB_PRELOAD: 'part_gpt   lvm',
    })
    expect(getShellValue(file, 'GRUB_HOME')).toBeUndefined()
  })

  test('set keeps quoting, export and comment', () => {
    const once = setShellValue(file, 'GRUB_CMDLINE_LINUX_DEFAULT', 'quiet splash')
    const twice = setShellValue(once, 'GRUB_CMDLINE_LINUX', 'nomodeset')
    expect(renderLines(twice)).toBe(grub.replace('"quiet"', '"quiet splash"').replace("'console=tty0 console=ttyS0'", "'nomodeset'"))
  })

  test('a value over two lines is one entry', () => {
    expect(renderLines(unsetShellValue(file, 'GRUB_PRELOAD'))).toBe(grub.replace('GRUB_PRELOAD="part_gpt \\\n  lvm"\n', ''))
  })
})

test('the last assignment counts and is the one that changes', () => {
  const file = parseShellAssignments('LANG=C\nLANG=de_DE.UTF-8\n')
  expect(getShellValue(file, 'LANG')).toBe('de_DE.UTF-8')
  expect(renderLines(setShellValue(file, 'LANG', 'C.UTF-8'))).toBe('LANG=C\nLANG=C.UTF-8\n')
  expect(renderLines(unsetShellValue(file, 'LANG'))).toBe('')
})

test.each([
  ['1A', 'x'],
  ['A-B', 'x'],
  ['', 'x'],
  ['A', 'two\nlines'],
  ['A', 'nul\0'],
])('refuses %j=%j', (key, wanted) => {
  expect(() => setShellValue(parseShellAssignments(''), key, wanted)).toThrow(RangeError)
})

test('a file of nothing but open quotes is read in a bounded time', () => {
  const text = 'A=x\\\n'.repeat(4_000)
  expect(renderLines(parseShellAssignments(text))).toBe(text)
})
