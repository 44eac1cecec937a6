// systemd reads our units, a real shell runs our scripts. Needs: systemd, util-linux (nothing else, no root).
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Command } from '@host-deployer/api'
import { afterAll, expect, test } from 'vitest'
import { renderCommands } from './render-commands.ts'
import { renderFirstBootRunner } from './render-runner.ts'
import { type FirstBootStage, firstBootPaths, renderFirstBootUnit } from './render-unit.ts'

const directory = mkdtempSync(join(tmpdir(), 'first-boot-'))
afterAll(() => rmSync(directory, { recursive: true }))
const stages: readonly FirstBootStage[] = ['early', 'late']

/** A stage laid out below a root of its own; the runner's absolute paths are moved there. */
let count = 0
function layOut(stage: FirstBootStage, commands: readonly Command[]) {
  const root = join(directory, String(count++))
  const paths = firstBootPaths(stage)
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { mode: 0o700 })
  }
  const moved = (text: string) => text.replaceAll(/(?<![\w.])\/(var|etc)\//g, `${root}/$1/`)
  put(paths.commands, renderCommands(commands))
  put(paths.runner, moved(renderFirstBootRunner(stage)))
  put(paths.unitFile, renderFirstBootUnit(stage))
  mkdirSync(join(root, 'var/log'), { recursive: true })
  mkdirSync(dirname(join(root, paths.enabled)), { recursive: true })
  symlinkSync(paths.unitFile, join(root, paths.enabled))
  const at = (path: string) => join(root, path)
  const log = () => readFileSync(at(paths.log), 'utf8')
  return { root, paths, at, log, runner: at(paths.runner) }
}

const sh = (script: string): SpawnSyncReturns<string> => spawnSync('/bin/sh', [script], { encoding: 'utf8' })
const left = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)

/** What systemd says about a boot with both units enabled. */
function analyze(change: (unit: string) => string = (unit) => unit): string[] {
  const units = join(directory, `units-${count++}`)
  for (const stage of stages) {
    const { unit, enabled } = firstBootPaths(stage)
    const wants = join(units, basename(dirname(enabled)))
    mkdirSync(wants, { recursive: true })
    writeFileSync(join(units, unit), change(renderFirstBootUnit(stage)))
    symlinkSync(`../${unit}`, join(wants, unit))
  }
  const env = { ...process.env, SYSTEMD_UNIT_PATH: `${units}:/usr/lib/systemd/system:/lib/systemd/system` }
  const names = ['multi-user.target', ...stages.map((stage) => firstBootPaths(stage).unit)]
  const { stderr, error } = spawnSync('systemd-analyze', ['verify', '--man=no', ...names], { encoding: 'utf8', env })
  if (error !== undefined) throw error
  return stderr.split('\n').filter((line) => line.includes('host-deployer') || line.includes('cycle'))
}

test('systemd takes the units, and the boot has no ordering cycle', () => {
  expect(analyze()).toEqual([])
  // The same question does find what is wrong.
  expect(analyze((unit) => unit.replace('TimeoutStartSec=0', 'TimeoutStart=0'))).not.toEqual([])
  expect(analyze((unit) => unit.replace('After=network-online', 'Before=sysinit.target\nAfter=network-online'))).not.toEqual([])
})

test.each(stages)('%s: commands run in order in one shell, a failing one stops nothing, and nothing is left', (stage) => {
  const { root, runner, log, at, paths } = layOut(stage, [
    'cd /',
    'X=1',
    'false',
    ['printf', '%s|', "it's", '$X', 'a b', ''],
    'echo "$PWD $X"',
    'exit 3',
    'echo never',
  ])
  const result = sh(runner)
  expect([result.status, result.stdout, result.stderr]).toEqual([3, '', ''])
  expect(log().split('\n').slice(1, -2)).toEqual(["it's|$X|a b||/ 1"])
  expect(left(root)).toEqual(['host-deployer-first-boot.log'])
  expect(existsSync(at(paths.directory))).toBe(false)
  expect(statSync(at(paths.log)).mode & 0o777).toBe(0o640)
})

test('nothing that would run again is there once the first command runs', () => {
  const { root, runner, log } = layOut('late', [
    'ls $(dirname $0)/../.. >/dev/null 2>&1',
    `find ${'ROOT'} -type f -o -type l | sed s,.*/,, | sort`,
  ])
  const commands = join(root, firstBootPaths('late').commands)
  writeFileSync(commands, readFileSync(commands, 'utf8').replace('ROOT', root))
  sh(runner)
  const shown = log().split('\n').slice(1, -2)
  expect(shown).toEqual(['host-deployer-first-boot.log', 'host-deployer-first-boot.service'])
})

test('both stages share a directory, and the last one removes it', () => {
  const one = layOut('early', ['true'])
  const other = firstBootPaths('late')
  writeFileSync(join(one.root, other.commands), renderCommands(['true']))
  sh(one.runner)
  expect(existsSync(join(one.root, other.commands))).toBe(true)
})

test('a shutdown half way: the runner ends at once and cleans up', async () => {
  const { root, runner, at, paths } = layOut('late', ['sleep 60 & echo $! > "$MARK"', 'wait'])
  const mark = join(root, 'mark')
  const child = spawn('/bin/sh', [runner], { env: { ...process.env, MARK: mark } })
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  await expect.poll(() => existsSync(mark) && readFileSync(mark, 'utf8') !== '', { timeout: 30_000 }).toBe(true)
  child.kill('SIGTERM')
  expect(await ended).toBe(143)
  expect(existsSync(at(paths.unitFile))).toBe(false)
  process.kill(Number(readFileSync(mark, 'utf8')))
})
