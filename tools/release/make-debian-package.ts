import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAppliance, defaultCacheDirectory } from '../../apps/appliance/src/build-appliance.ts'
import { assembleTree, broughtNode } from './assemble-tree.ts'
import { buildDebianPackage, type DebianPackageInput } from './debian-package.ts'
import { buildPackages } from './pack-packages.ts'
import { root } from './published-packages.ts'
import { mustRun } from './run-program.ts'

export interface MakeDebianPackageInput extends Pick<DebianPackageInput, 'into' | 'compression'> {
  /** Default: the one `appliance build` makes of this checkout, built now if it is not there. */
  readonly appliance?: string
  readonly onStep?: (step: string) => void
}

/** From this checkout to a Debian package: builds, assembles, packs. Gives its path. Everything in it is as old as the last commit. */
export async function makeDebianPackage({ into, compression, appliance, onStep = () => {} }: MakeDebianPackageInput): Promise<string> {
  onStep('build')
  await buildPackages()
  let from = appliance
  if (from === undefined) {
    onStep('appliance')
    from = join(defaultCacheDirectory(), 'appliance', 'amd64')
    await buildAppliance({ outDirectory: from })
  }
  const directory = mkdtempSync(join(tmpdir(), 'host-deployer-deb-'))
  try {
    onStep('tree')
    const tree = join(directory, 'tree')
    mkdirSync(tree)
    const assembled = await assembleTree({ into: tree, appliance: from, node: broughtNode() })
    const { node, modules, appliance: kernel } = assembled.sizesBytes
    onStep(
      `Node.js ${assembled.nodeVersion} ${mb(node)}, ${assembled.thirdParty.length} packages of others and ours ${mb(modules)}, appliance ${mb(kernel)}`,
    )
    const epochSeconds = Number(await mustRun(['git', 'log', '-1', '--format=%ct'], root))
    const path = await buildDebianPackage({ tree, assembled, into, epochSeconds, ...(compression === undefined ? {} : { compression }) })
    onStep(`${path} ${mb(statSync(path).size)}`)
    return path
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
