import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import type { Tarballs } from './pack-packages.ts'
import type { Manifest } from './published-packages.ts'
import { mustRun } from './run-program.ts'

/** A package of somebody else in the tree. */
export interface ThirdPartyPackage {
  readonly name: string
  readonly version: string
  /** SPDX expression as its manifest has it, or `UNKNOWN`. */
  readonly license: string
  /** Relative to the tree. */
  readonly path: string
}

interface InstalledManifest extends Manifest {
  readonly license?: unknown
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

interface Placed {
  readonly name: string
  /** Where it lies in the workspace; dependencies are looked up from there. */
  readonly source: string
  /** Where it goes: `TREE/node_modules/NAME`, or below another package. */
  readonly target: string
}

/**
 * Fills `tree`/node_modules with one package of the workspace and all it needs to run: packages of ours as they are published (from `tarballs`), those of
 * others as the lockfile has them, which is how they are installed in the workspace: no registry is asked. Left out: optional dependencies (native addons,
 * which nobody builds here), declarations, sources and source maps. Gives the packages of others. Two versions of one package: the second lies below the package that wants it.
 */
export async function installProductionTree(
  name: string,
  workspacePackages: ReadonlyMap<string, string>,
  tarballs: Tarballs,
  tree: string,
): Promise<ThirdPartyPackage[]> {
  const placed = new Map<string, Placed>()
  const top = join(tree, 'node_modules')
  const start = { name, source: realpathSync(mustFind(workspacePackages, name)), target: join(top, name) }
  placed.set(start.target, start)
  // Breadth first: what a package wants is in place before anything is looked up from below it.
  const queue: Placed[] = [start]
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const dependency of productionDependencies(next.source)) {
      const source = findInstalled(dependency, next.source)
      if (source === undefined) throw new Error(`${next.name}: ${dependency} is not installed`)
      const seen = lookup(dependency, next.target, top, placed)
      if (seen?.source === source) continue
      const target = seen === undefined ? join(top, dependency) : join(next.target, 'node_modules', dependency)
      const place = { name: dependency, source, target }
      placed.set(target, place)
      queue.push(place)
    }
  }
  const thirdParty: ThirdPartyPackage[] = []
  // Outer ones first: an inner one is copied into what is there.
  for (const { name: own, source, target } of [...placed.values()].sort((a, b) => a.target.length - b.target.length)) {
    mkdirSync(target, { recursive: true })
    const tarball = tarballs.get(own)
    if (tarball !== undefined) {
      await mustRun(['tar', '--extract', '--strip-components=1', '--no-same-owner', '-C', target, '-f', tarball], tree)
    } else {
      copyPackage(source, target)
      const { version, license } = readManifest(source)
      const spdx = typeof license === 'string' ? license : 'UNKNOWN'
      thirdParty.push({ name: own, version, license: spdx, path: target.slice(tree.length + 1) })
    }
    prune(target)
  }
  return thirdParty.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function readManifest(directory: string): InstalledManifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as InstalledManifest
}

function productionDependencies(directory: string): string[] {
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = readManifest(directory)
  const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true)
  return [...new Set([...Object.keys(dependencies), ...peers])].filter((name) => !name.startsWith('@types/')).sort()
}

/** As Node looks up a package: in `node_modules` of the directory and of those above. Gives its real directory. */
function findInstalled(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate)
    if (directory === dirname(directory)) return undefined
  }
}

/** The same in the new tree. */
function lookup(name: string, from: string, top: string, placed: ReadonlyMap<string, Placed>): Placed | undefined {
  for (let directory = from; directory.startsWith(top); directory = dirname(directory)) {
    const found = placed.get(join(directory, 'node_modules', name))
    if (found !== undefined) return found
  }
  return placed.get(join(top, name))
}

function copyPackage(source: string, target: string): void {
  cpSync(source, target, { recursive: true, filter: (path) => !path.slice(source.length).split(sep).includes('node_modules') })
}

const unneeded = /^\.|\.(d\.[cm]?ts|[cm]?ts|map|flow|md|markdown|html|tsbuildinfo)$/i
const unneededDirectories = new Set([
  '.github',
  '__tests__',
  'test',
  'tests',
  'bench',
  'benchmark',
  'benchmarks',
  'example',
  'examples',
  'docs',
])

/** Removes what nothing reads while the program runs; never a licence. */
function prune(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) {
      if (entry.name === 'node_modules') continue
      // Only at a package's top: deeper, a directory of that name may be part of the program.
      const isTop = existsSync(join(directory, 'package.json'))
      if (entry.name.startsWith('.') || (isTop && unneededDirectories.has(entry.name))) rmSync(path, { recursive: true })
      else prune(path)
      if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path)
    } else if (unneeded.test(entry.name) && !/^(licen[cs]e|copying|notice)/i.test(entry.name)) rmSync(path)
  }
}

function mustFind(packages: ReadonlyMap<string, string>, name: string): string {
  const found = packages.get(name)
  if (found === undefined) throw new Error(`there is no package ${name} in this workspace`)
  return found
}
