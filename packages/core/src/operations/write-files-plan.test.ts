import { describe, expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { planWriteFiles } from './write-files-plan.ts'

const plan = (body: string) => {
  const { early, late } = planWriteFiles(cloudConfig(body))
  const shown = (files: typeof early) => files.map(({ path, how, content }) => `${how} ${path} ${Buffer.from(content)}`)
  return { early: shown(early), late: shown(late) }
}

describe('entries of one path are one write', () => {
  test.each([
    ['append after write', 'write_files: [{path: /a, content: x}, {path: /a, append: true, content: z}]', ['replace /a xz'], []],
    ['appends', 'write_files: [{path: /a, append: true, content: x}, {path: /a, append: true, content: z}]', ['append /a xz'], []],
    ['write after append', 'write_files: [{path: /a, append: true, content: x}, {path: /a, content: z}]', ['replace /a z'], []],
    [
      'late append after early',
      'write_files: [{path: /a, append: true, content: x}, {path: /a, append: true, content: z, defer: true}]',
      [],
      ['append /a xz'],
    ],
    ['late write after early', 'write_files: [{path: /a, content: x}, {path: /a, content: z, defer: true}]', [], ['replace /a z']],
  ])('%s', (_, body, early, late) => {
    expect(plan(body)).toEqual({ early, late })
  })
})

describe('directories only', () => {
  const file = { owner: 'root:root', permissions: 0o644, append: false, defer: false }
  const parents = { ...file, path: '/a/b', content: new Uint8Array(), parents_only: true } as const
  const written = { ...file, path: '/a/b', content: Buffer.from('x') }
  test.each([
    ['alone', [parents], 'parents'],
    ['before the file', [parents, written], 'replace'],
    ['before an appended file', [parents, { ...written, append: true }], 'append'],
    ['after the file', [written, parents], 'replace'],
  ])('%s', (_, write_files, how) => {
    expect(planWriteFiles({ write_files, seed: {}, cloud_init: 'keep' }).early.map((planned) => planned.how)).toEqual([how])
  })
})

test.each([
  ['a user of the request', 'users: [{name: bob}]\nwrite_files: [{path: /a, owner: bob}]'],
  ['a group of the request', 'groups: [staff2]\nwrite_files: [{path: /a, owner: "root:staff2"}]'],
  ['a group named by a user', 'users: [{name: bob, groups: [ops]}]\nwrite_files: [{path: /a, owner: "root:ops"}]'],
])('a file owned by %s waits for it', (_, body) => {
  expect(plan(body)).toEqual({ early: [], late: ['replace /a '] })
})

test('files of others do not', () => {
  expect(plan('users: [{name: bob}]\nwrite_files: [{path: /a, owner: root}]').early).toEqual(['replace /a '])
})
