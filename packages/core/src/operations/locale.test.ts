import { toolPath } from '@host-deployer/driver-api'
import { describe, expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'

type Tree = NonNullable<NonNullable<Parameters<typeof createTestGuest>[1]>['tree']>

async function deploy(body: string, tree: Tree = {}) {
  const guest = await createTestGuest('debian-12', { tree })
  const { reports, diff } = await guest.deploy(cloudConfig(body))
  const codes = reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))
  return { guest, codes, paths: diff.map(({ path }) => path as string) }
}

const firstBoot = '/var/lib/host-deployer/first-boot/late-commands.sh'

describe('locale', () => {
  test.each<[string, Tree]>([
    ['a directory', { '/usr/lib/locale/en_US.utf8/LC_CTYPE': { content: '' } }],
    ['the archive', { '/usr/lib/locale/locale-archive': { content: 'x\0en_US.utf8\0y' } }],
    ['the package of all locales', { '/var/lib/dpkg/info/locales-all.list': { content: '' } }],
  ])('compiled, as %s says: nothing to do at the first boot', async (_, tree) => {
    const { guest, paths } = await deploy('locale: en_US.UTF-8\n', tree)
    expect(paths).not.toContain(firstBoot)
    expect(await guest.read('/etc/default/locale')).toContain('LANG=en_US.UTF-8\n')
  })

  test('a longer name in the archive is another locale', async () => {
    const { paths } = await deploy('locale: en_US.UTF-8\n', { '/usr/lib/locale/locale-archive': { content: '\0en_US.utf8@x\0' } })
    expect(paths).toContain(firstBoot)
  })

  test('other settings of the file stay', async () => {
    const { guest } = await deploy('locale: C.UTF-8\n', { '/etc/default/locale': { content: '# mine\nLANG="de_DE.UTF-8"\nLC_TIME=C\n' } })
    expect(await guest.read('/etc/default/locale')).toBe('# mine\nLANG="C.UTF-8"\nLC_TIME=C\n')
  })

  test('locale_configfile is written instead', async () => {
    const { guest, paths } = await deploy('locale: C.UTF-8\nlocale_configfile: /etc/my/locale\n')
    expect(await guest.read('/etc/my/locale')).toBe('LANG=C.UTF-8\n')
    expect(paths).not.toContain('/etc/default/locale')
  })

  test('false leaves it alone', async () => {
    expect((await deploy('locale: false\n')).paths).toEqual([])
  })

  test('without the generator it is set, and said', async () => {
    const { codes, guest } = await deploy('locale: en_US.UTF-8\n', { '/usr/sbin/locale-gen': undefined })
    expect(codes).toContain('LOCALE_NOT_COMPILED')
    expect(await guest.read('/etc/default/locale')).toContain('LANG=en_US.UTF-8\n')
  })

  test('one that the image does not know is refused', async () => {
    await expect(deploy('locale: xx_XX.UTF-8\n')).rejects.toMatchObject({ code: 'OPERATION_LOCALE_UNKNOWN' })
  })
})

describe('timezone', () => {
  test('a relative link stays relative', async () => {
    const { guest } = await deploy('timezone: Europe/Berlin\n', { '/etc/localtime': { link: '../usr/share/zoneinfo/Etc/UTC' } })
    expect(await guest.raw.readlink(toolPath('/etc/localtime'))).toBe('../usr/share/zoneinfo/Europe/Berlin')
  })

  test('a copy of the zone becomes a link, an absent /etc/timezone stays absent', async () => {
    const { guest, paths } = await deploy('timezone: Europe/Berlin\n', {
      '/etc/localtime': { content: 'TZif' },
      '/etc/timezone': undefined,
    })
    expect(await guest.raw.readlink(toolPath('/etc/localtime'))).toBe('/usr/share/zoneinfo/Europe/Berlin')
    expect(paths).toEqual(['/etc/localtime'])
  })

  test('without a zone database it is set, and said', async () => {
    const zones = ['Etc/UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Shanghai', 'UTC']
    const tree = Object.fromEntries(zones.map((zone) => [`/usr/share/zoneinfo/${zone}`, undefined]))
    const { codes, paths } = await deploy('timezone: Europe/Berlin\n', tree)
    expect(codes).toContain('TIMEZONE_DATABASE_ABSENT')
    expect(paths).toContain('/etc/localtime')
  })

  test.each(['Mars/Olympus', 'Europe'])('%s is unknown', async (zone) => {
    await expect(deploy(`timezone: ${zone}\n`)).rejects.toMatchObject({ code: 'OPERATION_TIMEZONE_UNKNOWN' })
  })
})
