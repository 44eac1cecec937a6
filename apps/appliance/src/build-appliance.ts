import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '@host-deployer/driver-api'
import {
  APPLIANCE_API_VERSION,
  type Appliance,
  type ApplianceManifest,
  readAppliance,
} from '@host-deployer/driver-qemu-initramfs/appliance'
import { writeCpio } from '@host-deployer/driver-qemu-initramfs/cpio'
import { buildTree, ownFilesDirectory } from './appliance-tree.ts'
import { kernelCommandLine } from './content.ts'
import { fetchPackages, type LockedPackage } from './debian-packages.ts'
import { sortedEntries } from './file-tree.ts'
import { runHostTool } from './host-tool.ts'
import { extractKernel } from './kernel-image.ts'
import { readLicences } from './licences.ts'
import { kernelPackages, release, requestedPackages, unneededPackages } from './packages.ts'
import { replaceDirectory } from './replace-directory.ts'

export interface BuildApplianceOptions {
  /** Where kernel, initramfs and manifest.json are to be. An appliance that is there is replaced, in one step, when the new one is complete. */
  readonly outDirectory: string
  /** For package files and finished builds. Default: `host-deployer` below `$XDG_CACHE_HOME` or `~/.cache`. */
  readonly cacheDirectory?: string
  /** As Debian names it. Default `amd64`, the only one so far. */
  readonly architecture?: string
  /** Ask the mirror for its present packages instead of using the versions resolved before. */
  readonly refresh?: boolean
  /** deb822 sources of the release the appliance is made of. Default: derived from this machine's own apt sources. */
  readonly aptSources?: string
  /** Called at the start of each step: for progress display. */
  readonly onStep?: (step: 'resolve' | 'extract' | 'assemble' | 'compress') => void
}

/** Where builds and downloads are kept when nobody says otherwise; XDG Base Directory Specification. */
export function defaultCacheDirectory(): string {
  const base = process.env['XDG_CACHE_HOME']
  return join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'host-deployer')
}

/** A digest of this builder: a changed builder makes another appliance of the same packages. */
async function builderDigest(): Promise<string> {
  const hash = createHash('sha256')
  const addDirectory = async (directory: string, include: (name: string) => boolean): Promise<void> => {
    const names = (await readdir(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && include(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
    for (const name of names) hash.update(`${name.slice(directory.length)}\0`).update(await readFile(name))
  }
  await addDirectory(import.meta.dirname, (name) => /\.[jt]s$/.test(name) && !/\.test\.ts$|\.d\.ts$/.test(name))
  await addDirectory(ownFilesDirectory, () => true)
  hash.update(await readFile(fileURLToPath(import.meta.resolve('@host-deployer/driver-qemu-initramfs/cpio'))))
  return hash.digest('hex')
}

async function readIfCurrent(directory: string, id: string): Promise<Appliance | undefined> {
  try {
    const appliance = await readAppliance(directory, { verify: true })
    return appliance.manifest.id === id ? appliance : undefined
  } catch {
    return undefined
  }
}

/** The kernel unpacks the legacy frame format only. Zeros up to a round length let another archive follow; lz4 wants at least four of them. */
async function compressInitramfs(cpio: Uint8Array): Promise<Uint8Array> {
  const compressed = await runHostTool(['lz4', '-l', '-9', '-c'], { input: cpio })
  const padded = new Uint8Array(Math.ceil((compressed.length + 4) / 512) * 512)
  padded.set(compressed)
  return padded
}

const artefactFile = (bytes: Uint8Array): { sha256: string; sizeBytes: number } => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  sizeBytes: bytes.length,
})

interface ExtractedPackages {
  readonly root: string
  readonly architecture: string
  readonly packages: readonly LockedPackage[]
  readonly id: string
  readonly onStep: NonNullable<BuildApplianceOptions['onStep']>
}

async function assemble(input: ExtractedPackages): Promise<Record<'kernel' | 'initramfs' | 'manifest.json', Uint8Array>> {
  const { root, architecture, packages, id } = input
  const kernelVersion = (await readdir(join(root, 'usr/lib/modules')))[0]
  if (kernelVersion === undefined) throw new Error('the kernel package has no modules')
  const kernel = await extractKernel(await readFile(join(root, 'boot', `vmlinuz-${kernelVersion}`)))
  const tree = await buildTree({ root, architecture, kernelVersion, packages, apiVersion: APPLIANCE_API_VERSION })
  input.onStep('compress')
  const initramfs = await compressInitramfs(writeCpio(sortedEntries(tree)))
  const manifest: ApplianceManifest = {
    apiVersion: APPLIANCE_API_VERSION,
    architecture,
    id,
    kernelVersion,
    kernelCommandLine,
    minimumMemoryMiB: 256,
    features: ['reseed'],
    kernel: artefactFile(kernel),
    initramfs: artefactFile(initramfs),
    packages: await Promise.all(packages.map(async (item) => ({ ...item, licences: await readLicences(root, item.name) }))),
  }
  return { kernel, initramfs, 'manifest.json': Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`) }
}

/**
 * Builds the appliance out of Debian packages, or finds that it is there already: with unchanged sources and packages nothing is built and no
 * network is used. Packages are extracted, never run. The same packages give the same bytes. Safe to call twice at once.
 *
 * `APPLIANCE_BUILD_ARCHITECTURE`, `APPLIANCE_BUILD_NO_MIRROR`, `EXEC_NOT_FOUND` (a build tool is missing; the hint names the package),
 * `EXEC_FAILED` (apt could not reach the mirror, for instance).
 */
export async function buildAppliance(options: BuildApplianceOptions): Promise<Appliance> {
  const architecture = options.architecture ?? 'amd64'
  const outDirectory = resolve(options.outDirectory)
  const cacheDirectory = resolve(options.cacheDirectory ?? defaultCacheDirectory())
  const onStep = options.onStep ?? (() => undefined)
  const kernelPackage = kernelPackages[architecture]
  if (kernelPackage === undefined) {
    throw new ConfigError('APPLIANCE_BUILD_ARCHITECTURE', `No appliance can be built for ${JSON.stringify(architecture)}`, {
      hint: `Known architectures: ${Object.keys(kernelPackages).join(', ')}.`,
    })
  }
  await mkdir(cacheDirectory, { recursive: true })

  onStep('resolve')
  const fetched = await fetchPackages(
    cacheDirectory,
    {
      release,
      architecture,
      names: [...requestedPackages, kernelPackage],
      leaveOut: unneededPackages,
      ...(options.aptSources === undefined ? {} : { aptSources: options.aptSources }),
    },
    { refresh: options.refresh ?? false },
  )
  const id = createHash('sha256')
    .update(JSON.stringify([await builderDigest(), fetched.packages]))
    .digest('hex')
  const present = await readIfCurrent(outDirectory, id)
  if (present !== undefined) return present

  onStep('extract')
  const root = await mkdtemp(join(cacheDirectory, 'extract-'))
  try {
    for (const item of fetched.packages) await runHostTool(['dpkg-deb', '--extract', fetched.file(item), root])
    onStep('assemble')
    const artefact = await assemble({ root, architecture, packages: fetched.packages, id, onStep })
    await replaceDirectory(outDirectory, async (aside) => {
      for (const [name, content] of Object.entries(artefact)) await writeFile(join(aside, name), content)
    })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
  return readAppliance(outDirectory, { verify: true })
}
