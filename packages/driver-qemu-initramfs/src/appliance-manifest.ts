import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DriverError, type HostPath, hostPath } from '@host-deployer/driver-api'
import * as z from 'zod'

/** The interface between driver and appliance that this driver speaks: `docs/appliance.md`. */
export const APPLIANCE_API_VERSION = 1

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** One file of the artefact. */
const artefactFileSchema = z.object({ sha256, sizeBytes: z.int().positive() })

const appliancePackageSchema = z.object({
  name: z.string().min(1),
  version: z.string().min(1),
  architecture: z.string().min(1),
  /** Short names from the package's copyright file, best effort; empty where it states none in a machine-readable way. */
  licences: z.array(z.string()),
  /** Of the package file. */
  sha256,
})

/** `manifest.json` of an appliance directory. Unknown keys are ignored, so that a later builder may add some. */
export const applianceManifestSchema = z.object({
  apiVersion: z.literal(APPLIANCE_API_VERSION),
  /** As Debian names it: `amd64`. */
  architecture: z.string().min(1),
  /** Identifies the content: the same inputs give the same id. */
  id: sha256,
  kernelVersion: z.string().min(1),
  /** What the appliance was made to boot with; the driver may append. */
  kernelCommandLine: z.string(),
  /** RAM the VM needs at least. */
  minimumMemoryMiB: z.int().positive(),
  /** What it can do beyond the first builds of its API version. `reseed`: sessions may be asked for with `R`, which clones need. */
  features: z.array(z.string()).optional(),
  kernel: artefactFileSchema,
  initramfs: artefactFileSchema,
  packages: z.array(appliancePackageSchema),
})

/** What an appliance says about itself. */
export type ApplianceManifest = z.infer<typeof applianceManifestSchema>

/** An appliance directory, looked at. */
export interface Appliance {
  readonly directory: HostPath
  readonly kernel: HostPath
  readonly initramfs: HostPath
  readonly manifest: ApplianceManifest
}

const buildHint = 'Run `host-deployer appliance build`, or `host-deployer appliance install FILE` for one that was built elsewhere.'

function damaged(directory: string, reason: string, cause?: unknown): DriverError {
  return new DriverError('APPLIANCE_DAMAGED', `The appliance in ${directory} is damaged: ${reason}`, {
    hint: buildHint,
    context: { directory },
    cause,
  })
}

async function readManifestText(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, 'manifest.json'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error
    throw new DriverError('APPLIANCE_MISSING', `There is no appliance in ${directory}`, { hint: buildHint, context: { directory } })
  }
}

/** Parses and checks the text of a manifest. `where` names it in messages. `APPLIANCE_DAMAGED`, `APPLIANCE_INCOMPATIBLE`. */
export function parseApplianceManifest(text: string, where: string): ApplianceManifest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw damaged(where, 'manifest.json is not JSON', error)
  }
  // The version first: a later one may have changed everything else.
  const version = z.object({ apiVersion: z.int() }).safeParse(value)
  if (!version.success) throw damaged(where, 'manifest.json states no apiVersion', version.error)
  if (version.data.apiVersion !== APPLIANCE_API_VERSION) {
    throw new DriverError(
      'APPLIANCE_INCOMPATIBLE',
      `The appliance in ${where} speaks API version ${version.data.apiVersion}, this driver speaks ${APPLIANCE_API_VERSION}`,
      { hint: buildHint, context: { directory: where, found: version.data.apiVersion, wanted: APPLIANCE_API_VERSION } },
    )
  }
  const manifest = applianceManifestSchema.safeParse(value)
  if (!manifest.success) throw damaged(where, `manifest.json: ${z.prettifyError(manifest.error)}`, manifest.error)
  return manifest.data
}

async function checkFile(directory: string, name: 'kernel' | 'initramfs', manifest: ApplianceManifest, verify: boolean): Promise<HostPath> {
  const path = join(directory, name)
  const expected = manifest[name]
  let sizeBytes: number
  try {
    sizeBytes = (await stat(path)).size
  } catch (error) {
    throw damaged(directory, `cannot look at ${name}`, error)
  }
  if (sizeBytes !== expected.sizeBytes) throw damaged(directory, `${name} has ${sizeBytes} bytes instead of ${expected.sizeBytes}`)
  if (verify) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(path), hash)
    if (hash.digest('hex') !== expected.sha256) throw damaged(directory, `the checksum of ${name} is wrong`)
  }
  return hostPath(path)
}

/**
 * Looks at the appliance in a directory: its manifest, and the presence and size of kernel and initramfs; with `verify` their checksums too
 * (a tenth of a second). Changes nothing.
 *
 * `APPLIANCE_MISSING` (no manifest there), `APPLIANCE_DAMAGED`, `APPLIANCE_INCOMPATIBLE` (another API version).
 */
export async function readAppliance(directory: string, options: { readonly verify?: boolean } = {}): Promise<Appliance> {
  const absolute = resolve(directory)
  const manifest = parseApplianceManifest(await readManifestText(absolute), absolute)
  const verify = options.verify ?? false
  const kernel = await checkFile(absolute, 'kernel', manifest, verify)
  const initramfs = await checkFile(absolute, 'initramfs', manifest, verify)
  return { directory: hostPath(absolute), kernel, initramfs, manifest }
}
