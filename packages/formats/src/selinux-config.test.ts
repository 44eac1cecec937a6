import fc from 'fast-check'
import { expect, test } from 'vitest'
import { renderLines } from './line-file.ts'
import { parseSelinuxConfig, selinuxMode, setSelinuxMode } from './selinux-config.ts'

const text = `# This file controls the state of SELinux on the system.
#     SELINUX=disabled
SELINUX=enforcing
SELINUXTYPE=targeted
`

test('one line changes', () => {
  expect(selinuxMode(parseSelinuxConfig(text))).toBe('enforcing')
  expect(renderLines(setSelinuxMode(parseSelinuxConfig(text), 'disabled'))).toBe(text.replace('\nSELINUX=enforcing', '\nSELINUX=disabled'))
  expect(renderLines(setSelinuxMode(parseSelinuxConfig(text), 'enforcing'))).toBe(text)
})

test.each([
  ['', undefined, 'SELINUX=permissive\n'],
  ['SELINUXTYPE=mls', undefined, 'SELINUXTYPE=mls\nSELINUX=permissive\n'],
  [' SELINUX=disabled\n', undefined, ' SELINUX=disabled\nSELINUX=permissive\n'],
  ['SELINUX=odd\n', undefined, 'SELINUX=permissive\n'],
  ['SELINUX=odd\nSELINUX=Disabled\nSELINUX=enforcing\n', 'disabled', 'SELINUX=odd\nSELINUX=permissive\nSELINUX=enforcing\n'],
])('%j', (before, mode, after) => {
  expect(selinuxMode(parseSelinuxConfig(before))).toBe(mode)
  expect(renderLines(setSelinuxMode(parseSelinuxConfig(before), 'permissive'))).toBe(after)
})

test('whatever the file says, what was set is what counts, and other lines survive', () => {
  const line = fc.constantFrom('SELINUX=enforcing', 'SELINUX=x', 'SELINUX=', '#', 'SELINUXTYPE=mls', ' SELINUX=disabled', '')
  const mode = fc.constantFrom('enforcing' as const, 'permissive' as const, 'disabled' as const)
  fc.assert(
    fc.property(fc.array(line), mode, (lines, wanted) => {
      const before = parseSelinuxConfig(lines.join('\n'))
      const after = renderLines(setSelinuxMode(before, wanted))
      expect(selinuxMode(parseSelinuxConfig(after))).toBe(wanted)
      const others = (all: string) => all.split('\n').filter((other) => !/^SELINUX=/.test(other) && other !== '')
      expect(others(after)).toEqual(others(lines.join('\n')))
    }),
  )
})
