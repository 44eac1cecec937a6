import { copyFile, link, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GenericContainer, getContainerRuntimeClient } from 'testcontainers'
import { digest } from '../cache.ts'
import { ensureBaseImage, imagePackages } from './base-image.ts'
import { ensureDebianPackage } from './debian-package.ts'

const dockerfile = join(import.meta.dirname, '..', '..', '..', 'packaging', 'container', 'Dockerfile')
const repository = 'host-deployer-e2e'

/** The tag of the image that packaging/container/Dockerfile makes of this checkout's package. Built once; images of other checkouts go. */
export async function ensureHostDeployerImage(): Promise<string> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const base = await ensureBaseImage('container', await imagePackages())
  const deb = await ensureDebianPackage()
  const tag = `${repository}:${digest(await readFile(dockerfile), base, deb).slice(0, 12)}`
  const known = (await dockerode.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.startsWith(`${repository}:`))
  if (known.includes(tag)) return tag
  const context = await mkdtemp(join(tmpdir(), 'hd-e2e-context-'))
  try {
    await copyFile(dockerfile, join(context, 'Dockerfile'))
    const inContext = join(context, 'host-deployer_0_amd64.deb')
    await link(deb, inContext).catch(() => copyFile(deb, inContext))
    await GenericContainer.fromDockerfile(context).withBuildArgs({ BASE: base }).build(tag, { deleteOnExit: false })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
  for (const old of known) await dockerode.getImage(old).remove({ force: true })
  await dockerode.pruneImages({ filters: { dangling: { true: true } } })
  return tag
}
