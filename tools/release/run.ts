// `./dev release --dry-run`: what a release of the last commit would publish, into dist/packages. In a clone, so that the work tree stays as it is:
// build, versions and changelogs from the changesets, publishing fields, tarballs, and a look at each. Publishing itself is CI's, with its identity for
// provenance, and is not wired up yet: anything but --dry-run is refused.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkTarball } from './check-tarball.ts'
import { packPackages } from './pack-packages.ts'
import { publishedPackages, root } from './published-packages.ts'
import { mustRun, runProgram } from './run-program.ts'

if (process.argv.slice(2).join(' ') !== '--dry-run') {
  console.error('release: only --dry-run is there so far: ./dev release --dry-run')
  process.exit(2)
}

const say = (text: string): void => console.log(`==> ${text}`)

/** Where the source is: npm shows it and checks provenance against it. CI and clones know it, the repository does not. */
async function sourceUrl(): Promise<string | undefined> {
  const { exitCode, stdout } = await runProgram(['git', 'remote', 'get-url', 'origin'], root)
  const url = stdout.trim()
  return exitCode === 0 && url.startsWith('https://') ? `git+${url.replace(/(\.git)?$/, '.git')}` : undefined
}

async function release(clone: string, out: string): Promise<void> {
  say('a clone of the last commit')
  await mustRun(['git', 'clone', '--quiet', root, clone], root)
  await mustRun(['pnpm', 'install', '--frozen-lockfile', '--prefer-offline'], clone)
  say('build')
  await mustRun([join(clone, 'node_modules', '.bin', 'turbo'), 'run', 'build', '--output-logs=errors-only'], clone)

  say('versions and changelogs')
  const changeset = join(clone, 'node_modules', '.bin', 'changeset')
  await mustRun([changeset, 'version'], clone)
  const url = await sourceUrl()
  const packages = publishedPackages(clone)
  for (const { directory, manifest } of packages) {
    const repository = { type: 'git', url, directory: directory.slice(clone.length + 1) }
    const text = JSON.stringify(url === undefined ? manifest : { ...manifest, repository }, null, 2)
    writeFileSync(join(directory, 'package.json'), `${text}\n`)
  }

  say('tarballs')
  const tarballs = await packPackages(packages, out)
  let failed = 0
  for (const { directory, manifest } of packages) {
    const hasChangelog = existsSync(join(directory, 'CHANGELOG.md'))
    const problems = await checkTarball(tarballs.get(manifest.name) ?? '', { name: manifest.name, version: manifest.version, hasChangelog })
    failed += problems.length
    const changelog = hasChangelog ? 'changelog' : 'no changes'
    console.log([`${manifest.name}@${manifest.version} (${changelog}, public, provenance)`, ...problems].join('\n  '))
  }
  if (url === undefined) console.log('No remote called origin: CI has one, and packages published with provenance name it.')
  if (failed > 0) throw new Error(`${failed} problems`)
  console.log(`${packages.length} packages in ${out}`)
}

const directory = mkdtempSync(join(tmpdir(), 'host-deployer-release-'))
const out = join(root, 'dist', 'packages')
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
try {
  const packed = join(directory, 'packages')
  await release(join(directory, 'clone'), packed)
  cpSync(packed, out, { recursive: true })
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
