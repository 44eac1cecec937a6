import { toolPath } from '@host-deployer/driver-api'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { TreeDiff } from './guest-fs.ts'
import { guestPath } from './guest-path.ts'
import { createMemoryRawFs } from './memory-raw-fs.ts'
import { openGuestFs } from './open-guest-fs.ts'
import { renderDiff, renderPatch } from './render-diff.ts'
import { serializeDiff } from './serialize-diff.ts'
import { stageGuestFs } from './stage-guest-fs.ts'
import { loadTree } from './tree-manifest.ts'

const g = guestPath
let diff: TreeDiff

beforeAll(async () => {
  const raw = createMemoryRawFs()
  await loadTree(raw, toolPath('/'), {
    '/etc/hostname': { content: 'debian\n' },
    '/etc/shadow': { content: 'root:OLDHASH:\n', mode: 0o640, gid: 42 },
    '/etc/ssh/host_key': { content: 'PRIVATE\n', mode: 0o600 },
    '/binary': { content: Uint8Array.of(0, 1) },
    '/escape': { content: 'red \x1b[31m\n' },
    '/link': { link: 'x\x1b' },
  })
  const staged = stageGuestFs(openGuestFs({ fs: raw, root: toolPath('/') }))
  await staged.writeFile(g('/etc/hostname'), 'web1\n', { mode: 0o600, uid: 3 })
  await staged.writeFile(g('/etc/shadow'), 'root:NEWHASH:\n', { sensitive: true })
  await staged.remove(g('/etc/ssh/host_key'))
  await staged.writeFile(g('/binary'), Uint8Array.of(0, 2, 3))
  await staged.writeFile(g('/escape'), '')
  await staged.symlink('y', g('/link'))
  await staged.makeDirectories(g('/new'))
  await staged.writeFile(g('/new/text'), 'one\n  two\n\nthree')
  diff = await staged.diff()
})

const entry = (path: string) => {
  const found = diff.find((each) => each.path === path)
  if (found === undefined) throw new Error(`no ${path} in the diff`)
  return found
}

test('people see text as a unified diff and the rest as a line', () => {
  expect(renderPatch(entry('/etc/hostname'))).toBe('--- a/etc/hostname\n+++ b/etc/hostname\n@@ -1,1 +1,1 @@\n-debian\n+web1\n')
  expect(renderPatch(entry('/binary'))).toBeUndefined()
  expect(renderPatch(entry('/new'))).toBeUndefined()
  const lines = renderDiff(diff).split('\n')
  expect(lines).toContain('changed /etc/hostname  mode 0644 -> 0600, owner 0:0 -> 3:0')
  expect(lines).toContain('changed /link  link "x\\\\x1b" -> "y"')
  expect(lines).toContain('added   /new  directory 0755 0:0')
  expect(renderDiff([])).toBe('')
})

test('secrets and control characters never reach people', () => {
  const text = renderDiff(diff)
  for (const secret of ['OLDHASH', 'NEWHASH', 'PRIVATE', '\x1b']) expect(text).not.toContain(secret)
  expect(renderPatch(entry('/etc/shadow'))).toBeUndefined()
  expect(renderPatch(entry('/etc/ssh/host_key'))).toBeUndefined()
  for (const secret of ['OLDHASH', 'NEWHASH', 'PRIVATE']) expect(serializeDiff(diff)).not.toContain(secret)
})

test('the golden form reads back', () => {
  const items = parse(serializeDiff(diff, { sensitiveContent: true })) as Record<string, unknown>[]
  expect(items.map(({ path }) => path)).toEqual(diff.map(({ path }) => path))
  const at = (path: string) => items.find((item) => item['path'] === path)
  expect(at('/etc/shadow')).toMatchObject({ kind: 'changed', mode: '0640', gid: 42, sensitive: true, content: 'root:NEWHASH:\n' })
  expect(at('/new/text')).toEqual({
    path: '/new/text',
    kind: 'added',
    type: 'file',
    mode: '0644',
    uid: 0,
    gid: 0,
    content: 'one\n  two\n\nthree',
  })
  expect(at('/binary')).toMatchObject({ base64: 'AAID' })
  expect(at('/link')).toEqual({ path: '/link', kind: 'changed', type: 'symlink', uid: 0, gid: 0, target: 'y', was: { target: 'x\x1b' } })
  expect(at('/etc/ssh/host_key')).toMatchObject({ kind: 'removed', was: { type: 'file', mode: '0600' } })
})
