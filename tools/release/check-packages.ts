// Packs every package as it would be published and tries each as its users would: linted by publint and "are the types wrong", installed alone outside of
// the workspace, imported, type-checked, its README's examples run. Names of packages as arguments: those only. Prints what is wrong and exits 1.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lintTarball } from './lint-tarball.ts'
import { buildPackages, packPackages } from './pack-packages.ts'
import { publishedPackages } from './published-packages.ts'
import { withPublishingFields } from './publishing-fields.ts'
import { tryPackage } from './try-package.ts'

const PARALLEL = 3
const packages = publishedPackages()
const wanted = packages.filter(({ manifest }) => process.argv.length === 2 || process.argv.slice(2).includes(manifest.name))
const directory = mkdtempSync(join(tmpdir(), 'host-deployer-packages-'))
let failed = 0
try {
  await buildPackages()
  const tarballs = await packPackages(packages, join(directory, 'tarballs'))
  const queue = [...wanted]
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { manifest } = next
      const { name } = manifest
      const started = performance.now()
      const isCurrent = JSON.stringify(withPublishingFields(manifest)) === JSON.stringify(manifest)
      const problems = [
        ...(isCurrent ? [] : ['publishing fields are not current: node tools/release/manifests.ts --fix']),
        ...(await lintTarball(tarballs.get(name) ?? '')),
        ...(await tryPackage(next, tarballs, join(directory, name.replace(/^@.*\//, '')))),
      ]
      if (problems.length > 0) failed += 1
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(
        `${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name} ${seconds} s${problems.map((problem) => `\n  ${problem.trim().replaceAll('\n', '\n  ')}`).join('')}`,
      )
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
} finally {
  rmSync(directory, { recursive: true, force: true })
}
console.log(failed === 0 ? `${wanted.length} packages work alone` : `${failed} of ${wanted.length} packages fail`)
process.exitCode = failed === 0 ? 0 : 1
