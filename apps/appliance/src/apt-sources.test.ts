import { expect, test } from 'vitest'
import { deriveReleaseSources, parseAptSources } from './apt-sources.ts'

const deb822 = `Types: deb deb-src
# a comment inside
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main
Signed-By: /keys/debian.gpg

Types: deb-src
URIs: http://mirror.test/source-only
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.test/disabled
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://vendor.test/
Suites: nodistro
Components: main
`

test('deb822: the Debian entries, another suite, the same keys', () => {
  expect(deriveReleaseSources(parseAptSources('debian.sources', deb822), 'trixie')).toBe(`Types: deb
URIs: http://mirror.test/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://mirror.test/security
Suites: trixie-security
Components: main
Signed-By: /keys/debian.gpg
`)
})

test('one-line sources, options in brackets, repositories of other people', () => {
  const text = `# deb http://commented.test/debian bookworm main
deb [arch=amd64 signed-by=/a.gpg,/b.gpg] http://mirror.test/debian bookworm main non-free # note
deb http://mirror.test/debian bookworm-updates main
deb http://mirror.test/security bookworm-security main
deb http://old.test/security buster/updates main
deb http://vendor.test/apt bookworm-pgdg main
deb http://vendor.test/apt bookworm stable
deb http://vendor.test/apt cloud-sdk-bookworm main
deb-src http://mirror.test/debian bookworm main
`
  expect(
    deriveReleaseSources(parseAptSources('sources.list', text), 'trixie')
      .split('\n')
      .filter((line) => /^(URIs|Suites|Signed)/.test(line)),
  ).toEqual([
    'URIs: http://mirror.test/debian',
    'Suites: trixie',
    'Signed-By: /a.gpg /b.gpg',
    'URIs: http://mirror.test/debian',
    'Suites: trixie-updates',
    'URIs: http://mirror.test/security',
    'Suites: trixie-security',
    'URIs: http://old.test/security',
    'Suites: trixie-updates',
  ])
})

test('a key block in Signed-By is kept with its indentation', () => {
  const text = 'Types: deb\nURIs: http://m.test/\nSuites: stable\nComponents: main\nSigned-By:\n -----BEGIN-----\n .\n abc\n'
  expect(deriveReleaseSources(parseAptSources('x.sources', text), 'trixie')).toContain('Signed-By: \n -----BEGIN-----\n .\n abc\n')
})

test('no Debian archive among the sources', () => {
  const sources = parseAptSources('ubuntu.sources', 'Types: deb\nURIs: http://m.test/\nSuites: noble\nComponents: main\n')
  expect(() => deriveReleaseSources(sources, 'trixie')).toThrow(expect.objectContaining({ code: 'APPLIANCE_BUILD_NO_MIRROR' }))
})
