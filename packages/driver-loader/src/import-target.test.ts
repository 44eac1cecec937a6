import { expect, test } from 'vitest'
import { importTarget } from './import-target.ts'

test.each([
  [{}, undefined],
  [{ exports: './a.js' }, './a.js'],
  [{ exports: { '.': './a.js', './b': './b.js' } }, './a.js'],
  [{ exports: { import: './a.js', require: './a.cjs' } }, './a.js'],
  [{ exports: { require: './a.cjs', default: './a.js' } }, './a.js'],
  [{ exports: { '.': { types: './a.d.ts', node: { require: './a.cjs', import: './a.mjs' } } } }, './a.mjs'],
  [{ exports: { '.': [{ worker: './w.js' }, './a.js'] } }, './a.js'],
  [{ exports: { '.': { source: './src/a.ts', default: './a.js' } } }, './src/a.ts'],
] as const)('%j', (manifest, target) => {
  expect(importTarget(manifest, ['source'])).toBe(target)
})

test('a package that does not export itself', () => {
  expect(() => importTarget({ exports: { './b': './b.js' } }, [])).toThrow(TypeError)
  expect(() => importTarget({ exports: { '.': { require: './a.cjs' } } }, [])).toThrow(TypeError)
})
