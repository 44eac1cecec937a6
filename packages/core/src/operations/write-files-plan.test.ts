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
