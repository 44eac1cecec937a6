// A new driver works before a line of it has been changed: outside of the repository with the packages as published, inside from source.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackages, packPackages } from '../release/pack-packages.ts'
import { publishedPackages, root } from '../release/published-packages.ts'
import { mustRun, runProgram } from '../release/run-program.ts'
import { installScratchProject } from '../release/scratch-project.ts'
import { createDriverPackage } from './driver-package.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'new-driver-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('outside: it builds, and its conformance test passes', { timeout: 600_000 }, async () => {
  const place = join(directory, 'outside')
  createDriverPackage({ name: 'made-outside', directory: place, scope: '@somebody' })
  await buildPackages()
  await installScratchProject(place, await packPackages(publishedPackages(), join(directory, 'tarballs')), { manifest: true })
  await mustRun(['pnpm', 'run', 'build'], place)
  const { exitCode, all } = await runProgram(['pnpm', 'test'], place)
  expect(exitCode, all.slice(-8000)).toBe(0)
})

test('inside: it type-checks, and its conformance test is found and runs', { timeout: 600_000 }, async () => {
  const workspace = join(directory, 'workspace')
  const place = join(workspace, 'packages', 'driver-made-inside')
  createDriverPackage({ name: 'made-inside', directory: place })
  // As pnpm would link them.
  const scope = join(place, 'node_modules', '@host-deployer')
  mkdirSync(scope, { recursive: true })
  for (const name of ['driver-api', 'driver-kit', 'driver-testkit']) symlinkSync(join(root, 'packages', name), join(scope, name))
  symlinkSync(join(root, 'node_modules'), join(workspace, 'node_modules'))
  for (const file of ['vitest.config.ts', 'tools/build', 'tools/test']) cpSync(join(root, file), join(workspace, file), { recursive: true })
  const settings = { extends: './tools/build/tsconfig.base.json', compilerOptions: { noEmit: true }, include: ['packages/*/src'] }
  writeFileSync(join(workspace, 'tsconfig.json'), JSON.stringify(settings))
  writeFileSync(join(workspace, 'package.json'), '{ "type": "module" }')

  await mustRun([join(root, 'node_modules', '.bin', 'tsc'), '-p', 'tsconfig.json'], workspace)
  const vitest = join(root, 'node_modules', '.bin', 'vitest')
  const { exitCode, all } = await runProgram([vitest, 'run', '--project', 'integration', '-t', 'lifecycle'], workspace)
  expect(exitCode, all.slice(-8000)).toBe(0)
  expect(all).toContain('driver-made-inside')
})
