import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { deriveReleaseSources, parseAptSources } from './apt-sources.ts'
import { runHostTool } from './host-tool.ts'

const lockedPackageSchema = z.object({ name: z.string(), version: z.string(), architecture: z.string(), sha256: z.string().length(64) })

/** One package of the closure, pinned. */
export type LockedPackage = z.infer<typeof lockedPackageSchema>

export interface PackageRequest {
  readonly release: string
  readonly architecture: string
  readonly names: readonly string[]
  readonly leaveOut: readonly RegExp[]
  /** deb822 text to use instead of what this machine's own sources say. */
  readonly aptSources?: string
}

export interface DebianPackages {
  readonly packages: readonly LockedPackage[]
  /** The verified package file. */
  file(lockedPackage: LockedPackage): string
}

const sha256Of = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/** The deb822 text for `release`, from the apt configuration of this machine. */
export async function machineSources(release: string): Promise<string> {
  const directory = '/etc/apt/sources.list.d'
  const names = (await readdir(directory).catch(() => [])).filter((name) => /\.(list|sources)$/.test(name)).sort()
  const texts = await Promise.all(
    ['/etc/apt/sources.list', ...names.map((name) => join(directory, name))].map(async (path) =>
      parseAptSources(path, await readFile(path, 'utf8').catch(() => '')),
    ),
  )
  return deriveReleaseSources(texts.flat(), release)
}

/** An apt of our own: the machine's proxies and keys, but another suite, no installed packages, nothing shared with the machine's state. */
async function withPrivateApt<T>(
  cacheDirectory: string,
  request: PackageRequest,
  use: (apt: (program: 'apt-get' | 'apt-cache', ...args: string[]) => Promise<string>, directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(cacheDirectory, 'apt-'))
  try {
    for (const name of ['sources.list.d', 'preferences.d', 'lists/partial', 'archives/partial', 'download']) {
      await mkdir(join(directory, name), { recursive: true })
    }
    await writeFile(join(directory, 'status'), '')
    await writeFile(join(directory, 'sources.list.d', 'appliance.sources'), request.aptSources ?? (await machineSources(request.release)))
    const configuration = join(directory, 'apt.conf')
    await writeFile(
      configuration,
      `#clear APT::Architectures;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "${request.architecture}";
APT::Architectures:: "${request.architecture}";
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "${directory}";
Dir::State::status "${join(directory, 'status')}";
Dir::State::lists "${join(directory, 'lists')}";
Dir::Cache "${directory}";
Dir::Cache::archives "${join(directory, 'archives')}";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "${join(directory, 'sources.list.d')}";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "${join(directory, 'preferences.d')}";
`,
    )
    const apt = async (program: 'apt-get' | 'apt-cache', ...args: string[]): Promise<string> =>
      Buffer.from(
        await runHostTool([program, '-q', '-c', configuration, ...args], {
          cwd: join(directory, 'download'),
          env: { APT_CONFIG: configuration },
        }),
      ).toString()
    await apt('apt-get', 'update', '--error-on=any')
    return await use(apt, directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Reads the records of `apt-cache show`; pure. */
export function parsePackageRecords(text: string): LockedPackage[] {
  return text
    .split(/\n\n+/)
    .filter((record) => record.trim() !== '')
    .map((record) => {
      const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(record)?.[1]
      return lockedPackageSchema.parse({
        name: field('Package'),
        version: field('Version'),
        architecture: field('Architecture'),
        sha256: field('SHA256'),
      })
    })
}

/** Names and versions that `apt-get --simulate install` would install; pure. */
export function parseSimulation(text: string): string[] {
  return [...text.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name, version]) => `${name}=${version}`)
}

async function isIntact(file: string, sha256: string): Promise<boolean> {
  try {
    return sha256Of(await readFile(file)) === sha256
  } catch {
    return false
  }
}

async function readLock(file: string): Promise<LockedPackage[] | undefined> {
  try {
    return z
      .array(lockedPackageSchema)
      .min(1)
      .parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}

async function writeAside(file: string, content: string | Uint8Array): Promise<void> {
  const aside = `${file}.${process.pid}.new`
  await writeFile(aside, content)
  await rename(aside, file)
}

/**
 * The closure of a package request as files in the cache. What was resolved once stays resolved (the same inputs give the same bytes, without
 * network) until `refresh` asks for the mirror's present state, or a cached file is missing and its version is gone from the mirror.
 * A damaged cache entry is fetched again; apt checks signatures and checksums, we check the checksum of every file once more.
 */
export async function fetchPackages(
  cacheDirectory: string,
  request: PackageRequest,
  options: { readonly refresh?: boolean } = {},
): Promise<DebianPackages> {
  const pool = join(cacheDirectory, 'packages')
  await mkdir(pool, { recursive: true })
  const fileOf = (lockedPackage: LockedPackage): string => join(pool, `${lockedPackage.sha256}.deb`)
  const key = sha256Of(JSON.stringify([request, request.leaveOut.map(String)])).slice(0, 16)
  const lockFile = join(cacheDirectory, `packages-${request.architecture}-${key}.json`)

  const findMissing = async (packages: readonly LockedPackage[]): Promise<LockedPackage[]> => {
    const intact = await Promise.all(packages.map((lockedPackage) => isIntact(fileOf(lockedPackage), lockedPackage.sha256)))
    return packages.filter((_, index) => intact[index] !== true)
  }

  const locked = options.refresh === true ? undefined : await readLock(lockFile)
  if (locked !== undefined && (await findMissing(locked)).length === 0) return { packages: locked, file: fileOf }

  const packages = await withPrivateApt(cacheDirectory, request, async (apt, directory) => {
    const resolve = async (): Promise<LockedPackage[]> => {
      const closure = parseSimulation(await apt('apt-get', 'install', '--simulate', '--no-install-recommends', ...request.names))
      const wanted = closure.filter((item) => !request.leaveOut.some((pattern) => pattern.test(item.split('=', 1)[0] ?? '')))
      const records = parsePackageRecords(await apt('apt-cache', 'show', '--no-all-versions', ...wanted))
      return records.sort((a, b) => (a.name < b.name ? -1 : 1))
    }
    const download = async (missing: readonly LockedPackage[]): Promise<void> => {
      if (missing.length === 0) return
      await apt('apt-get', 'download', ...missing.map(({ name, version }) => `${name}=${version}`))
      const bySha256 = new Set(missing.map(({ sha256 }) => sha256))
      for (const name of await readdir(join(directory, 'download'))) {
        const bytes = await readFile(join(directory, 'download', name))
        if (bySha256.has(sha256Of(bytes))) await writeAside(join(pool, `${sha256Of(bytes)}.deb`), bytes)
      }
    }
    if (locked !== undefined) {
      // The versions of the lock first; the mirror may have dropped them.
      await download(await findMissing(locked)).catch(() => undefined)
      if ((await findMissing(locked)).length === 0) return locked
    }
    const resolved = await resolve()
    await download(await findMissing(resolved))
    const stillMissing = await findMissing(resolved)
    if (stillMissing.length > 0) throw new Error(`apt did not deliver ${stillMissing.map(({ name }) => name).join(', ')}`)
    return resolved
  })
  await writeAside(lockFile, JSON.stringify(packages, undefined, 1))
  return { packages, file: fileOf }
}
