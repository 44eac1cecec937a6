// `./dev release --deb`: the Debian package of this checkout, into dist/debian, which the container image is made of, too.
// `./dev release --dry-run`: what a release of the last commit would publish, into dist/packages. In a clone, so that the work tree stays as it is:
// build, versions and changelogs from the changesets, publishing fields, tarballs, and a look at each. Publishing itself is CI's, with its identity for
// provenance, and is not wired up yet: anything but --dry-run is refused.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkTarball } from './check-tarball.ts'
import { makeDebianPackage } from './make-debian-package.ts'
import { packPackages } from './pack-packages.ts'
import { publishedPackages, root } from './published-packages.ts'
import { mustRun, runProgram } from './run-program.ts'

const say = (text: string): void => console.log(`==> ${text}`)

const wanted = process.argv.slice(2).join(' ')
if (wanted === '--deb') {
  await makeDebianPackage({ into: join(root, 'dist', 'debian'), onStep: say })
  process.exit()
}
if (wanted !== '--dry-run') {
  console.error('release: only --dry-run and --deb are there so far')
  process.exit(2)
}

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
}

const directory = mkdtempSync(join(tmpdir(), 'host-deployer-release-'))
const out = join(root, 'dist', 'packages')
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
try {
  const packed = join(directory, 'packages')
  await release(join(directory, 'clone'), packed)
  cpSync(packed, out, { recursive: true })
  console.log(`${readdirSync(out).length} packages in ${out}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
