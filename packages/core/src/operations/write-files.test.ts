import { expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'

const guestWith = (tree: NonNullable<Parameters<typeof createTestGuest>[1]>['tree'] = {}) => createTestGuest('debian-12', { tree })

test('appending to what ends so already changes nothing', async () => {
  const guest = await guestWith({ '/etc/rc': { content: 'a\nb\n' } })
  const request = cloudConfig('write_files: [{path: /etc/rc, append: true, content: "b\\n"}]')
  expect((await guest.stage(request)).diff).toEqual([])
})

test('permissions and owner are those of the last entry, also when appending', async () => {
  const guest = await guestWith({ '/etc/rc': { content: 'a\n', mode: 0o600, uid: 5, gid: 6 } })
  await guest.deploy(cloudConfig('write_files: [{path: /etc/rc, append: true, content: "b\\n", permissions: "4755", owner: www-data}]'))
  expect(await guest.read('/etc/rc')).toBe('a\nb\n')
  expect(await guest.access('/etc/rc')).toBe('4755 33:6')
})

test('through links, inside the guest', async () => {
  const guest = await guestWith({
    '/etc/app': { link: '../../../opt/app' },
    '/opt/app/conf': { link: '/srv/real/conf' },
    '/srv/real': { directory: true },
  })
  await guest.deploy(cloudConfig('write_files: [{path: /etc/app/conf, content: here}]'))
  expect(await guest.read('/srv/real/conf')).toBe('here')
})

test('directories without a file, and a file that keeps what it is', async () => {
  const guest = await guestWith({ '/etc/secret': { content: 'a\n', mode: 0o440, uid: 3, gid: 4 } })
  const entry = { owner: 'root:root', permissions: 0o644, append: false, defer: false } as const
  const content = Buffer.from('b\n')
  await guest.deploy({
    write_files: [
      { ...entry, path: '/opt/x/y/none', content: new Uint8Array(), parents_only: true },
      { ...entry, path: '/etc/secret', content, append: true, keep_attributes: true },
      { ...entry, path: '/etc/fresh', content, keep_attributes: true },
    ],
    seed: {},
    cloud_init: 'keep',
  })
  expect(await guest.access('/opt/x/y')).toBe('0755 0:0')
  expect(await guest.read('/opt/x/y/none')).toBeUndefined()
  expect(await guest.read('/etc/secret')).toBe('a\nb\n')
  expect(await guest.access('/etc/secret')).toBe('0440 3:4')
  expect(await guest.access('/etc/fresh')).toBe('0644 0:0')
})

test('an empty file', async () => {
  const guest = await guestWith()
  await guest.deploy(cloudConfig('write_files: [{path: /etc/empty}]'))
  expect(await guest.read('/etc/empty')).toBe('')
})

test('what others may not read is not shown', async () => {
  const { diff } = await (await guestWith()).stage(
    cloudConfig('write_files: [{path: /etc/a, content: x, permissions: "0640"}, {path: /etc/b, content: x}]'),
  )
  expect(diff.map(({ path, sensitive }) => [path, sensitive])).toEqual([
    ['/etc/a', true],
    ['/etc/b', false],
  ])
})

test.each([
  ['OPERATION_OWNER_UNKNOWN', '{path: /etc/a, owner: nobody-here}'],
  ['OPERATION_OWNER_UNKNOWN', '{path: /etc/a, owner: "root:nobody-here"}'],
  ['FS_IS_A_DIRECTORY', '{path: /etc/ssh}'],
  ['FS_NOT_A_DIRECTORY', '{path: /etc/passwd/a}'],
  ['FS_SYMLINK_LOOP', '{path: /loop/a}'],
])('%s', async (code, entry) => {
  const guest = await guestWith({ '/loop': { link: 'loop' } })
  await expect(guest.stage(cloudConfig(`write_files: [${entry}]`))).rejects.toMatchObject({ code })
})
