import { constants } from 'node:fs'
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import { DeployError, DiskError, type HostPath, hostPath, type ImageFile, type ImageFormat } from '@host-deployer/driver-api'
import { detectFormat, FORMAT_HEAD_BYTES } from './detect-format.ts'
import { findMissingClusters } from './find-missing-clusters.ts'
import { isAllowed } from './path-policy.ts'
import { parseQcow2Header, QCOW2_HEAD_BYTES, type Qcow2Header } from './qcow2-header.ts'

export interface InspectOptions {
  /** The format the caller declares. Absent: by the header. A declared format that the bytes contradict is refused. */
  readonly format?: ImageFormat
  /** Directories that backing files may lie in, beside the image's own. */
  readonly allowPaths?: readonly string[]
}

/** An image ready to be opened: every file of its chain looked at and allowed. */
export interface InspectedImage {
  readonly path: HostPath
  readonly format: ImageFormat
  readonly virtualSizeBytes: number
  /** The image first, then what it is based on. */
  readonly chain: readonly [ImageFile, ...ImageFile[]]
}

const maxChainLength = 32

/**
 * Looks at an image's header and at every file its chain names, opening each without following a final symlink race: symlinks are resolved
 * once, here. Changes nothing and takes no lock.
 *
 * A relative name in a header is looked up where QEMU looks: beside the overlay as its path is given, links and all. Where only the link's target has a
 * base beside it, that is the base; where both have one, and not the same, `IMAGE_BACKING_REFUSED`, since the machine may be using either.
 *
 * Rejects with `DiskError`: `IMAGE_NOT_FOUND`, `IMAGE_NOT_A_DISK` (directory, socket, ...), `IMAGE_PERMISSION_DENIED`, `IMAGE_EMPTY`,
 * `IMAGE_FORMAT_UNSUPPORTED`, `IMAGE_FORMAT_MISMATCH`, `IMAGE_DAMAGED`, `IMAGE_FEATURE_UNSUPPORTED`, `IMAGE_ENCRYPTED`, `IMAGE_BACKING_REFUSED`,
 * `IMAGE_BACKING_FORMAT_MISSING`, `IMAGE_DATA_FILE_REFUSED`, `IMAGE_CHAIN_TOO_LONG`.
 */
export async function inspectImage(path: string, options: InspectOptions = {}): Promise<InspectedImage> {
  const image = await resolveFile(path, 'image')
  const allowedRoots = [hostPath(dirname(image)), ...(await Promise.all((options.allowPaths ?? []).map(resolveRoot)))]
  const chain: ImageFile[] = []
  let virtualSizeBytes = 0
  let next: ChainLink | undefined = { given: path, path: image, format: options.format }
  while (next !== undefined) {
    if (chain.length >= maxChainLength) {
      throw new DiskError('IMAGE_CHAIN_TOO_LONG', `The image is based on more than ${maxChainLength - 1} files, or on itself`, {
        hint: 'Flatten the image with `qemu-img convert`, or mend the backing file names with `qemu-img rebase -u`.',
        context: { path: image },
      })
    }
    const file = await inspectFile(next.path, next.format)
    if (chain.length === 0) virtualSizeBytes = file.virtualSizeBytes
    chain.push({ path: next.path, format: file.format })
    next = file.backing === null ? undefined : await resolveBacking(next, file.backing, { allowedRoots })
  }
  const [first, ...bases] = chain
  if (first === undefined) throw new TypeError('A chain has at least the image itself')
  return { path: image, format: first.format, virtualSizeBytes, chain: [first, ...bases] }
}

interface ChainLink {
  /** As QEMU would open it: links in it are not resolved. */
  readonly given: string
  readonly path: HostPath
  readonly format: ImageFormat | undefined
}

interface FileFacts {
  readonly format: ImageFormat
  readonly virtualSizeBytes: number
  readonly backing: { readonly name: string; readonly format: string | null } | null
}

async function inspectFile(path: HostPath, declared: ImageFormat | undefined): Promise<FileFacts> {
  const file = await openFile(path)
  try {
    const sizeBytes = await fileSize(file)
    if (sizeBytes === 0)
      throw new DiskError('IMAGE_EMPTY', `The image has no bytes: ${path}`, {
        hint: 'Check the copy or download that made it.',
        context: { path },
      })
    const head = Buffer.alloc(Math.min(QCOW2_HEAD_BYTES, sizeBytes))
    await file.read(head, 0, head.length, 0)
    const detected = detectFormat(head.subarray(0, FORMAT_HEAD_BYTES))
    if (declared !== undefined && declared !== detected) {
      throw new DiskError('IMAGE_FORMAT_MISMATCH', `The image is declared ${declared}, but its first bytes say ${detected}: ${path}`, {
        hint:
          declared === 'raw'
            ? `A guest can write such a header to trick its host. If the image really is ${detected}, leave the format out or declare ${detected}.`
            : 'Leave the format out to have it detected, or declare the right one.',
        context: { path, declared, detected },
      })
    }
    if (detected === 'raw') return { format: 'raw', virtualSizeBytes: sizeBytes, backing: null }
    if (detected !== 'qcow2') {
      throw new DiskError('IMAGE_FORMAT_UNSUPPORTED', `The image is in the format ${detected}, which cannot be changed in place: ${path}`, {
        hint: 'Convert it first: `qemu-img convert -O qcow2 OLD NEW`.',
        context: { path, detected },
      })
    }
    return await inspectQcow2(file, path, head, sizeBytes)
  } finally {
    await file.close()
  }
}

async function inspectQcow2(file: FileHandle, path: HostPath, head: Buffer, sizeBytes: number): Promise<FileFacts> {
  const header = parseQcow2Header(head)
  if ('problem' in header) throw damaged(path, header.reason)
  refuseFeatures(path, header)
  const missing = await findMissingClusters(file, header, sizeBytes)
  if (missing !== null) throw damaged(path, `its tables point to byte ${missing}, the file ends at ${sizeBytes}`)
  const { backingName } = header
  const name = backingName === null ? null : head.subarray(backingName.offset, backingName.offset + backingName.length).toString('utf8')
  return {
    format: 'qcow2',
    virtualSizeBytes: header.virtualSizeBytes,
    backing: name === null ? null : { name, format: header.backingFormat },
  }
}

function refuseFeatures(path: HostPath, header: Qcow2Header): void {
  if (header.externalDataFile) {
    throw new DiskError('IMAGE_DATA_FILE_REFUSED', `The image keeps its data in another file, which its header names: ${path}`, {
      hint: 'Make it self-contained: `qemu-img convert -O qcow2 OLD NEW`.',
      context: { path },
    })
  }
  if (header.unknownFeatures.length > 0) {
    throw new DiskError(
      'IMAGE_FEATURE_UNSUPPORTED',
      `The image needs qcow2 features that are not known here (bits ${header.unknownFeatures.join(', ')}): ${path}`,
      {
        hint: 'Convert it with the QEMU that made it: `qemu-img convert -O qcow2 OLD NEW`.',
        context: { path, bits: header.unknownFeatures },
      },
    )
  }
  if (header.encryption !== 'none') {
    throw new DiskError('IMAGE_ENCRYPTED', `The image is encrypted (${header.encryption}): ${path}`, {
      hint: 'Encrypted images are not supported yet; decrypt a copy with `qemu-img convert`.',
      context: { path },
    })
  }
  if (header.corrupt) throw damaged(path, 'its corrupt bit is set')
}

function damaged(path: HostPath, reason: string): DiskError {
  return new DiskError('IMAGE_DAMAGED', `The image is damaged, ${reason}: ${path}`, {
    hint: 'Copy or download it again; `qemu-img check` says more.',
    context: { path, reason },
  })
}

async function resolveBacking(
  { given: overlayAsGiven, path: overlay }: ChainLink,
  backing: { readonly name: string; readonly format: string | null },
  policy: { readonly allowedRoots: readonly HostPath[] },
): Promise<ChainLink> {
  const context = { path: overlay, backing: backing.name }
  // A protocol ("nbd:", "json:{...}", "http://") reaches beyond files; QEMU takes a colon before the first slash for one.
  if (/^[^/]*:/.test(backing.name) || backing.name.includes('\0')) {
    throw new DiskError(
      'IMAGE_BACKING_REFUSED',
      `The image is based on ${JSON.stringify(backing.name)}, which is not a plain file: ${overlay}`,
      {
        hint: 'Only files and block devices can be a base. Flatten the image with `qemu-img convert`.',
        context,
      },
    )
  }
  const given = await baseAsGiven(overlayAsGiven, overlay, backing.name)
  const path = await resolveFile(given, 'backing file')
  if (!isAllowed(policy, path)) {
    throw new DiskError('IMAGE_BACKING_REFUSED', `The image is based on ${path}, which lies outside the allowed paths`, {
      hint: `If that file is meant to be its base, allow its directory: --allow-path ${dirname(path)}`,
      context: { ...context, resolved: path },
    })
  }
  if (backing.format !== 'raw' && backing.format !== 'qcow2') {
    throw new DiskError('IMAGE_BACKING_FORMAT_MISSING', `The image does not say in which format its base is (raw or qcow2): ${overlay}`, {
      hint: `Guessing is how a guest tricks its host. Set it: qemu-img rebase -u -F raw|qcow2 -b ${backing.name} ${overlay}`,
      context: { ...context, format: backing.format },
    })
  }
  return { given, path, format: backing.format }
}

/** Plain joining, as QEMU does (`path_combine`): the kernel is to see `..` after a link. */
async function baseAsGiven(overlayAsGiven: string, overlay: HostPath, name: string): Promise<string> {
  if (isAbsolute(name)) return name
  const besideLink = `${dirname(overlayAsGiven)}/${name}`
  const besideTarget = `${dirname(overlay)}/${name}`
  const [first, second] = await Promise.all([realpathIfThere(besideLink), realpathIfThere(besideTarget)])
  if (first !== undefined && second !== undefined && first !== second) {
    throw new DiskError('IMAGE_BACKING_REFUSED', `The image is a link, and there is a ${name} both beside the link and beside its target`, {
      hint: `QEMU takes the one beside the path it is given. If that is ${overlay} for the machine, give that path here, too; else rebase on an absolute name.`,
      context: { path: overlayAsGiven, backing: name, candidates: [first, second] },
    })
  }
  return first === undefined && second !== undefined ? besideTarget : besideLink
}

/** `undefined` where there is nothing; whatever else is in the way is told by opening it. */
async function realpathIfThere(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch {
    return undefined
  }
}

async function resolveRoot(path: string): Promise<HostPath> {
  try {
    return hostPath(await realpath(path))
  } catch (cause) {
    throw new DiskError('IMAGE_ALLOWED_PATH_MISSING', `The allowed path does not exist: ${path}`, {
      hint: 'Check --allow-path and the configuration.',
      cause,
    })
  }
}

async function resolveFile(path: string, what: string): Promise<HostPath> {
  try {
    const resolved = await realpath(path)
    const { isFile, isBlockDevice } = await kind(resolved)
    if (isFile || isBlockDevice) return hostPath(resolved)
    throw new DiskError('IMAGE_NOT_A_DISK', `The ${what} is neither a file nor a block device: ${path}`, {
      hint: 'Name the image file itself.',
      context: { path },
    })
  } catch (cause) {
    throw asDiskError(cause, path, what)
  }
}

async function kind(path: string): Promise<{ isFile: boolean; isBlockDevice: boolean }> {
  const stats = await stat(path)
  return { isFile: stats.isFile(), isBlockDevice: stats.isBlockDevice() }
}

async function openFile(path: HostPath): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    throw asDiskError(cause, path, 'image')
  }
}

/** A block device's `st_size` is 0: its end is found by reading there, which costs a few dozen one-byte reads. */
async function fileSize(file: FileHandle): Promise<number> {
  const stats = await file.stat()
  if (!stats.isBlockDevice()) return stats.size
  const probe = Buffer.alloc(1)
  const readable = async (offset: number) => (await file.read(probe, 0, 1, offset)).bytesRead === 1
  let low = 0
  let high = 512
  while (await readable(high - 1)) {
    low = high
    high *= 2
  }
  while (high - low > 512) {
    const middle = low + Math.floor((high - low) / 1024) * 512
    if (await readable(middle - 1)) low = middle
    else high = middle
  }
  return low
}

function asDiskError(cause: unknown, path: string, what: string): unknown {
  if (DeployError.isInstance(cause)) return cause
  const code = (cause as NodeJS.ErrnoException).code
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new DiskError('IMAGE_NOT_FOUND', `There is no such ${what}: ${path}`, { hint: 'Check the path.', context: { path }, cause })
    case 'EACCES':
    case 'EPERM':
      return new DiskError('IMAGE_PERMISSION_DENIED', `The ${what} cannot be read: ${path}`, {
        hint: 'Run as its owner, or give this user read and write permission.',
        context: { path },
        cause,
      })
    case 'ELOOP':
      return new DiskError('IMAGE_NOT_FOUND', `The path of the ${what} is a loop of links: ${path}`, {
        hint: 'Check the path.',
        context: { path },
        cause,
      })
    default:
      return new DiskError('IMAGE_UNREADABLE', `The ${what} cannot be read (${code ?? 'unknown error'}): ${path}`, {
        hint: 'Check the storage it lies on.',
        context: { path },
        cause,
      })
  }
}
