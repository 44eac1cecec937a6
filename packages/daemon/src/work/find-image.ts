import { realpath, stat } from 'node:fs/promises'
import { DiskError, type HostPath, hostPath } from '@host-deployer/driver-api'
import { type InspectedImage, inspectImage, isAllowed } from '@host-deployer/image'
import type { JobImage } from './job.ts'

/**
 * What tells disks apart, whatever path they are named by: the number of a block device, the inode of a file. A path that leads nowhere stands for itself;
 * the job that opens it says what is wrong.
 */
export async function identifyImage(path: string): Promise<string> {
  try {
    const stats = await stat(path, { bigint: true })
    return stats.isBlockDevice() ? `device:${stats.rdev}` : `file:${stats.dev}:${stats.ino}`
  } catch {
    return `path:${path}`
  }
}

/**
 * Looks at an image's chain (`inspectImage`) and insists that every file of it lies below one of the roots, or is a block device below `/dev`.
 * `IMAGE_PATH_REFUSED` for the image, `IMAGE_BACKING_REFUSED` for what it is based on, and the codes of `inspectImage`.
 */
export async function inspectAllowed({ path, format }: JobImage, imageRoots: readonly HostPath[]): Promise<InspectedImage> {
  const roots = await existing(imageRoots)
  const image = await inspectImage(path, { allowPaths: [...roots, '/dev'], ...(format === undefined ? {} : { format }) })
  for (const [index, file] of image.chain.entries()) {
    if (!(await isWithin(roots, file.path))) throw index === 0 ? refusedImage(path, file.path) : refusedBase(image.path, file.path)
  }
  return image
}

/** Storage that is not mounted now holds no images; the others still do. */
async function existing(roots: readonly HostPath[]): Promise<HostPath[]> {
  const found = await Promise.all(roots.map((root) => realpath(root).then(hostPath, () => undefined)))
  return found.filter((root) => root !== undefined)
}

async function isWithin(allowedRoots: readonly HostPath[], path: HostPath): Promise<boolean> {
  if (isAllowed({ allowedRoots }, path)) return true
  return path.startsWith('/dev/') && (await stat(path)).isBlockDevice()
}

const hint =
  'The daemon opens images below its image roots only; `host-deployer config explain` lists them. Name the directory there if it holds images.'

const refusedImage = (path: string, resolved: HostPath): DiskError =>
  new DiskError('IMAGE_PATH_REFUSED', `The image lies outside the image roots: ${path}`, { hint, context: { path, resolved } })

const refusedBase = (path: HostPath, resolved: HostPath): DiskError =>
  new DiskError('IMAGE_BACKING_REFUSED', `The image is based on ${resolved}, which lies outside the image roots`, {
    hint,
    context: { path, resolved },
  })
