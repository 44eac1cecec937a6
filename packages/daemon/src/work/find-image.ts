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

/** Where images may lie. */
export interface ImagePlaces {
  readonly imageRoots: readonly HostPath[]
  /** The daemon's own, which may lie below a root, as in the field's container: no image is in there, whatever an image's header says. */
  readonly ownDirectories: readonly HostPath[]
}

/**
 * Looks at an image's chain (`inspectImage`) and insists that every file of it lies below one of the roots and in none of our own directories, or is a block
 * device below `/dev`. A device as a base is for images that are devices themselves, as snapshots of volumes are; a file of the field's never has one. No
 * header is the host's word where `format` is absent: a guest that has a raw device may have written one that names another device (docs/security.md, "Not
 * defended against").
 * `IMAGE_PATH_REFUSED` for the image, `IMAGE_BACKING_REFUSED` for what it is based on, and the codes of `inspectImage`.
 */
export async function inspectAllowed({ path, format }: JobImage, places: ImagePlaces): Promise<InspectedImage> {
  const [roots, own] = await Promise.all([existing(places.imageRoots), existing(places.ownDirectories)])
  const mayNameDevices = await stat(path).then(
    (stats) => stats.isBlockDevice(),
    () => false,
  )
  const allowPaths = mayNameDevices ? [...roots, '/dev'] : roots
  const image = await inspectImage(path, { allowPaths, ...(format === undefined ? {} : { format }) })
  const isAllowedFile = (file: HostPath) => isAllowed({ allowedRoots: roots }, file) && !isAllowed({ allowedRoots: own }, file)
  const [top, ...bases] = image.chain
  const isDevice = await isBlockDevice(top.path)
  if (!isDevice && !isAllowedFile(top.path)) throw refusedImage(path, top.path)
  for (const base of bases) {
    if (!isAllowedFile(base.path) && !(isDevice && (await isBlockDevice(base.path)))) throw refusedBase(image.path, base.path)
  }
  return image
}

/** Storage that is not mounted now holds no images; the others still do. */
async function existing(roots: readonly HostPath[]): Promise<HostPath[]> {
  const found = await Promise.all(roots.map((root) => realpath(root).then(hostPath, () => undefined)))
  return found.filter((root) => root !== undefined)
}

const isBlockDevice = async (path: HostPath): Promise<boolean> => path.startsWith('/dev/') && (await stat(path)).isBlockDevice()

const hint =
  'The daemon opens images below its image roots only; `host-deployer config explain` lists them. Name the directory there if it holds images.'

const refusedImage = (path: string, resolved: HostPath): DiskError =>
  new DiskError('IMAGE_PATH_REFUSED', `The image lies outside the image roots: ${path}`, { hint, context: { path, resolved } })

const refusedBase = (path: HostPath, resolved: HostPath): DiskError =>
  new DiskError('IMAGE_BACKING_REFUSED', `The image is based on ${resolved}, which lies outside the image roots`, {
    hint,
    context: { path, resolved },
  })
