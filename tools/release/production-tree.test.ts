import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installProductionTree, type ThirdPartyPackage } from './production-tree.ts'

let directory: string
let tree: string
let theirs: readonly ThirdPartyPackage[]

const put = (path: string, content: string): void => {
  mkdirSync(dirname(join(directory, path)), { recursive: true })
  writeFileSync(join(directory, path), content)
}
const manifest = (name: string, version: string, more: object = {}): string => JSON.stringify({ name, version, license: 'MIT', ...more })
const versionAt = (path: string): string =>
  (JSON.parse(readFileSync(join(tree, 'node_modules', path, 'package.json'), 'utf8')) as { version: string }).version

// A workspace with one package of ours; of theirs "shared" in two versions, one of which only "inner", below "outer", wants.
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'production-tree-'))
  tree = join(directory, 'tree')
  const ours = manifest('ours', '1.0.0', { dependencies: { outer: '*', shared: '*' }, devDependencies: { tool: '*' } })
  put('ours/package.json', ours)
  put('ours/node_modules/tool/package.json', manifest('tool', '1.0.0'))
  put('ours/node_modules/shared/package.json', manifest('shared', '2.0.0'))
  put('ours/node_modules/shared/index.js', 'export {}')
  put('ours/node_modules/shared/index.d.ts', 'export {}')
  put('ours/node_modules/shared/test/index.js', 'export {}')
  put('ours/node_modules/shared/src/test/deep.js', 'export {}')
  put('ours/node_modules/shared/LICENSE.md', 'do as you like')
  put(
    'ours/node_modules/outer/package.json',
    manifest('outer', '1.0.0', { dependencies: { inner: '*' }, optionalDependencies: { addon: '*' } }),
  )
  put('ours/node_modules/outer/node_modules/addon/package.json', manifest('addon', '1.0.0'))
  put('ours/node_modules/outer/node_modules/inner/package.json', manifest('inner', '1.0.0', { peerDependencies: { shared: '*' } }))
  put('ours/node_modules/outer/node_modules/inner/node_modules/shared/package.json', manifest('shared', '1.0.0'))
  put('packed/package/package.json', ours)
  put('packed/package/dist/main.js', 'export {}')
  execFileSync('tar', ['-czf', join(directory, 'ours.tgz'), '-C', join(directory, 'packed'), 'package'])
  theirs = await installProductionTree(
    'ours',
    new Map([['ours', join(directory, 'ours')]]),
    new Map([['ours', join(directory, 'ours.tgz')]]),
    tree,
  )
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('a package of ours is what was packed', () => {
  expect(existsSync(join(tree, 'node_modules', 'ours', 'dist', 'main.js'))).toBe(true)
})

test('a second version lies below the package that wants it', () => {
  expect(versionAt('shared')).toBe('2.0.0')
  expect(versionAt('inner/node_modules/shared')).toBe('1.0.0')
  expect(theirs.map(({ path }) => path)).toEqual([
    'node_modules/inner',
    'node_modules/inner/node_modules/shared',
    'node_modules/outer',
    'node_modules/shared',
  ])
})

test('what is for development, optional, or read by nobody at run time is left out, licences never', () => {
  for (const path of ['tool', 'addon', 'shared/index.d.ts', 'shared/test'])
    expect(existsSync(join(tree, 'node_modules', path)), path).toBe(false)
  for (const path of ['shared/index.js', 'shared/src/test/deep.js', 'shared/LICENSE.md'])
    expect(existsSync(join(tree, 'node_modules', path)), path).toBe(true)
})
