import { expect, test } from 'vitest'
import { parseLicences } from './licences.ts'

test('the machine-readable format', () => {
  const text = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Files: *
License: GPL-2+

Files: lib/*
License: LGPL-2.1+ or BSD-3-clause
 text of it

License: GPL-2+
 On Debian systems /usr/share/common-licenses/GPL-2.
`
  expect(parseLicences(text)).toEqual(['GPL-2+', 'LGPL-2.1+ or BSD-3-clause'])
})

test.each([
  ['see /usr/share/common-licenses/GPL-3.', ['GPL-3']],
  ['under the GNU Lesser General\nPublic License, version 2.1', ['LGPL']],
  ['nothing of the kind', []],
])('free text: %j', (text, licences) => {
  expect(parseLicences(text)).toEqual(licences)
})
