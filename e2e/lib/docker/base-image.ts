import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { machineSources } from '@host-deployer/appliance'
import { execa } from 'execa'
import { getContainerRuntimeClient } from 'testcontainers'
import { cached, digest } from '../cache.ts'

const SUITE = 'bookworm'
const repository = 'host-deployer-e2e-base'

/** What the Dockerfile installs where it is missing: with it in the base, building an image needs no mirror. */
export async function imagePackages(): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, '..', '..', '..', 'packaging', 'container', 'Dockerfile'), 'utf8')
  const list = /for package in([^;]*);/.exec(text)?.[1]?.replaceAll('\\', ' ').trim().split(/\s+/)
  if (list === undefined || list.length < 3) throw new Error('the Dockerfile has no list of packages')
  return list
}

/**
 * The tag of an image with Debian and these packages, made by mmdebstrap and imported: there is no registry. Made once; the tree stays in the cache, the
 * image in the engine.
 */
export async function ensureBaseImage(name: string, packages: readonly string[]): Promise<string> {
  const recipe = await readFile(import.meta.filename)
  const key = digest(name, packages.join(' '), recipe)
  const tag = `${repository}:${name}-${key.slice(0, 12)}`
  const { dockerode } = (await getContainerRuntimeClient()).container
  const isThere = await dockerode
    .getImage(tag)
    .inspect()
    .then(
      () => true,
      () => false,
    )
  if (isThere) return tag
  const directory = await cached('docker-base', key, ['tree.tar'], async (into) => {
    const unneeded = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/info/*', '/usr/share/locale/*']
    await execa(
      'mmdebstrap',
      [
        ...['--quiet', '--variant=minbase', `--include=${packages.join(',')}`],
        ...unneeded.map((path) => `--dpkgopt=path-exclude=${path}`),
        '--customize-hook=: >"$1/etc/machine-id"; rm -f "$1/etc/resolv.conf"',
        ...[SUITE, join(into, 'tree.tar'), '-'],
      ],
      { input: await machineSources(SUITE), timeout: 900_000, env: { DEBIAN_FRONTEND: 'noninteractive' } },
    )
  })
  const [repo, version] = tag.split(':') as [string, string]
  const answer = await dockerode.importImage(join(directory, 'tree.tar'), { repo, tag: version })
  await new Promise<void>((resolve, reject) => {
    answer.on('error', reject)
    answer.on('end', resolve)
    answer.resume()
  })
  return tag
}
