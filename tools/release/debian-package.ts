import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type AssembledTree, HOME } from './assemble-tree.ts'
import type { ThirdPartyPackage } from './production-tree.ts'
import { root } from './published-packages.ts'
import { mustRun } from './run-program.ts'

const NAME = 'host-deployer'
const packaging = join(root, 'packaging')
const maintainerScripts = ['preinst', 'postinst', 'prerm', 'postrm'] as const

export interface DebianPackageInput {
  /** What `assembleTree` made; more is added to it. */
  readonly tree: string
  readonly assembled: AssembledTree
  /** The directory that gets the package. */
  readonly into: string
  /** Of every file: the same tree gives the same package. */
  readonly epochSeconds: number
  /** As dpkg-deb(1) takes it. Default: half a minute for 70 MB; higher levels take minutes for little. */
  readonly compression?: readonly [`-Z${string}`, `-z${string}`]
}

/** Builds the Debian package of an assembled tree with dpkg-deb. Gives its path. */
export async function buildDebianPackage(input: DebianPackageInput): Promise<string> {
  const { tree, assembled, into, epochSeconds, compression = ['-Zxz', '-z1'] } = input
  const doc = join('usr/share/doc', NAME)
  const put = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), content)
  }
  const compressed = (text: string): Uint8Array => gzipSync(text, { level: 9 })
  const read = (...names: readonly string[]): string => readFileSync(join(packaging, ...names), 'utf8')

  put(`usr/lib/systemd/system/${NAME}.service`, read('systemd', `${NAME}.service`))
  put(`usr/share/man/man1/${NAME}.1.gz`, compressed(read('debian', `${NAME}.1`)))
  put(`usr/share/lintian/overrides/${NAME}`, read('debian', 'lintian-overrides'))
  put(`${doc}/changelog.gz`, compressed(changelog(assembled.version, epochSeconds)))
  put(`${doc}/copyright`, copyright(read('debian', 'copyright.head'), assembled.thirdParty))
  cpSync(join(packaging, 'kubernetes'), join(tree, doc, 'examples', 'kubernetes'), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  })
  put(`${doc}/examples/systemd/${NAME}-nbd.conf`, read('systemd', `${NAME}-nbd.conf`))
  cpSync(join(packaging, 'debian', 'etc'), join(tree, 'etc'), { recursive: true })

  setModes(tree)
  const control = join(tree, 'DEBIAN')
  rmSync(control, { recursive: true, force: true })
  mkdirSync(control, { mode: 0o755 })
  const files = listFiles(tree).filter((path) => !path.startsWith('DEBIAN/'))
  writeFileSync(
    join(control, 'md5sums'),
    files
      .map(
        (path) =>
          `${createHash('md5')
            .update(readFileSync(join(tree, path)))
            .digest('hex')}  ${path}\n`,
      )
      .join(''),
  )
  const conffiles = files.filter((path) => path.startsWith('etc/'))
  writeFileSync(join(control, 'conffiles'), conffiles.map((path) => `/${path}\n`).join(''))
  for (const script of maintainerScripts) {
    copyFileSync(join(packaging, 'debian', script), join(control, script))
    chmodSync(join(control, script), 0o755)
  }
  // deb-control(5): kibibytes, each file rounded up, one for each other entry.
  const installedKib = files.reduce((sum, path) => sum + Math.ceil(statSync(join(tree, path)).size / 1024), files.length)
  const [first = '', ...rest] = read('debian', 'control').split('\n')
  writeFileSync(join(control, 'control'), [first, `Version: ${assembled.version}`, `Installed-Size: ${installedKib}`, ...rest].join('\n'))

  mkdirSync(into, { recursive: true })
  const path = join(into, `${NAME}_${assembled.version}_amd64.deb`)
  await mustRun(['dpkg-deb', '--root-owner-group', ...compression, '--build', tree, path], into, {
    ...process.env,
    SOURCE_DATE_EPOCH: String(epochSeconds),
  })
  return path
}

function listFiles(tree: string): string[] {
  return readdirSync(tree, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(tree.length + 1))
    .sort()
}

/** Nothing is writable but by root, whatever the umask was; only Node.js and the launcher are run by name. */
function setModes(tree: string): void {
  chmodSync(tree, 0o755)
  for (const entry of readdirSync(tree, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    const isProgram = entry.parentPath === join(tree, HOME, 'bin') && !entry.name.endsWith('LICENSE')
    if (!entry.isSymbolicLink()) chmodSync(path, entry.isDirectory() || isProgram ? 0o755 : 0o644)
  }
}

function changelog(version: string, epochSeconds: number): string {
  const date = new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000')
  return `${NAME} (${version}) unstable; urgency=medium

  * Release ${version}: see the changelogs of the packages below
    /opt/host-deployer/lib.

 -- host-deployer maintainers <maintainers@host-deployer.invalid>  ${date}
`
}

/** A stanza for each package that is not ours; machine-readable (DEP-5). */
function copyright(head: string, thirdParty: readonly ThirdPartyPackage[]): string {
  const stanzas = thirdParty.map(
    ({ name, version, license, path }) =>
      `Files: ${path}/*\nCopyright: the authors of ${name} ${version}, see its directory\nLicense: ${license.replaceAll(' ', '-').replaceAll(/[()]/g, '')}\n`,
  )
  const licences = [...new Set(['MIT', ...thirdParty.map(({ license }) => license.replaceAll(' ', '-').replaceAll(/[()]/g, ''))])]
    .filter((licence) => licence !== 'Apache-2.0')
    .sort()
    .map((licence) => `License: ${licence}\n The text is in the directory of each package.\n`)
  const apache = 'License: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n'
  return [head.trimEnd(), '', ...stanzas, apache, ...licences].join('\n')
}
