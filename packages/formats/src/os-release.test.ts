import { describe, expect, test } from 'vitest'
import { parseLsbRelease, parseOsRelease } from './os-release.ts'

describe('os-release', () => {
  test('a Debian release', () => {
    const release = parseOsRelease(`PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
`)
    expect(release).toMatchObject({
      id: 'debian',
      idLike: [],
      name: 'Debian GNU/Linux',
      prettyName: 'Debian GNU/Linux 12 (bookworm)',
      versionId: '12',
      version: '12 (bookworm)',
      versionCodename: 'bookworm',
      variantId: undefined,
    })
    expect(release.fields.get('HOME_URL')).toBe('https://www.debian.org/')
  })

  test('relatives, single quotes, escapes, comments, the last one counts', () => {
    const release = parseOsRelease(
      `# comment\nID='Rocky'\nID_LIKE="rhel centos  fedora"\nNAME="a \\"b\\" \\$c"\nVERSION_ID=8\r\nVERSION_ID=9.4\n`,
    )
    expect(release).toMatchObject({ id: 'rocky', idLike: ['rhel', 'centos', 'fedora'], name: 'a "b" $c', versionId: '9.4' })
  })

  test('files that break the rules still say something', () => {
    const release = parseOsRelease('ID=odd\nPRETTY_NAME=Odd Linux 3\nVERSION="3 $beta"\nVERSION_ID=\nnonsense\n')
    expect(release).toMatchObject({ id: 'odd', prettyName: 'Odd Linux 3', version: '3 $beta', versionId: undefined })
  })

  test('nothing at all', () => {
    expect(parseOsRelease('')).toMatchObject({ id: 'linux', name: 'Linux', idLike: [], versionId: undefined })
  })
})

test('lsb-release', () => {
  expect(
    parseLsbRelease('DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\nDISTRIB_DESCRIPTION="Ubuntu 24.04.1 LTS"\n'),
  ).toEqual({ distributorId: 'Ubuntu', release: '24.04', codename: 'noble', description: 'Ubuntu 24.04.1 LTS' })
  expect(parseLsbRelease('LSB_VERSION=core-4.1\n').release).toBeUndefined()
})
