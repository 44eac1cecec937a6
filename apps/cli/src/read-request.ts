import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '@host-deployer/driver-api'

export interface SeedFlags {
  readonly seed?: string
  readonly userData?: string
  readonly networkConfig?: string
  readonly metaData?: string
}

/** The texts of a NoCloud seed. */
export interface SeedTexts {
  readonly userData?: string
  readonly metaData?: string
  readonly networkConfig?: string
}

const maxSeedBytes = 16 * 2 ** 20

/** Reads a seed directory or the files named one by one; a file named on its own wins over the directory's. */
export async function readSeed(flags: SeedFlags): Promise<SeedTexts> {
  const { seed } = flags
  if (seed !== undefined) await expectDirectory(seed)
  const text = async (named: string | undefined, name: string) => {
    if (named !== undefined) return readText(named)
    return seed === undefined ? undefined : readIfThere(join(seed, name))
  }
  const [userData, metaData, networkConfig] = await Promise.all([
    text(flags.userData, 'user-data'),
    text(flags.metaData, 'meta-data'),
    text(flags.networkConfig, 'network-config'),
  ])
  if (seed !== undefined && userData === undefined && metaData === undefined && networkConfig === undefined) {
    throw new InputError('INPUT_SEED_EMPTY', `The seed directory has neither user-data, meta-data nor network-config: ${seed}`, {
      hint: 'Name the files exactly so, without an ending.',
    })
  }
  return {
    ...(userData === undefined ? {} : { userData }),
    ...(metaData === undefined ? {} : { metaData }),
    ...(networkConfig === undefined ? {} : { networkConfig }),
  }
}

async function expectDirectory(path: string): Promise<void> {
  const stats = await stat(path).catch((cause) => {
    throw unreadable(path, cause)
  })
  if (!stats.isDirectory())
    throw new InputError('INPUT_FILE_UNREADABLE', `The seed is not a directory: ${path}`, {
      hint: 'Name single files with --user-data, --meta-data and --network-config.',
    })
}

/** A text file given on the command line, `-` for standard input. `INPUT_FILE_UNREADABLE`, `INPUT_FILE_TOO_LARGE`, `INPUT_NOT_UTF8`. */
export async function readText(path: string): Promise<string> {
  const bytes = path === '-' ? await readStandardInput() : await readFile(path).catch((cause) => Promise.reject(unreadable(path, cause)))
  if (bytes.length > maxSeedBytes)
    throw new InputError('INPUT_FILE_TOO_LARGE', `The file has more than 16 MiB: ${path}`, {
      hint: 'Put large content into the image in another way.',
    })
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch (cause) {
    throw new InputError('INPUT_NOT_UTF8', `The file is not UTF-8 text: ${path}`, {
      hint: 'Encode binary content as base64 in write_files.',
      cause,
    })
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    await stat(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(path, cause)
  }
  return readText(path)
}

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxSeedBytes) break
  }
  return Buffer.concat(chunks)
}

function unreadable(path: string, cause: unknown): InputError {
  return new InputError(
    'INPUT_FILE_UNREADABLE',
    `The file cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}): ${path}`,
    {
      hint: 'Check the path and its permissions.',
      context: { path },
      cause,
    },
  )
}
