import { DeployError, FsError, type FsErrorKind } from '@host-deployer/driver-api'
import { type GuestFs, guestPath } from '@host-deployer/guest-fs'

/** The guest as a witness who may lie, babble or be silent, but cannot make us stumble. */
export interface Evidence {
  /** Whether something is there, links followed. */
  has(path: string): Promise<boolean>
  hasAny(...paths: readonly string[]): Promise<boolean>
  /** Where the path leads, links followed; null when that cannot be told. */
  resolve(path: string): Promise<string | null>
  /** Text of a small file; null when it is not there, no file, or longer than a file of its kind ever is. Bytes that are not UTF-8 become U+FFFD. */
  text(path: string): Promise<string | null>
  /** As `text`, for the start of a program. */
  bytes(path: string, maxBytes: number): Promise<Uint8Array | null>
  /** Names in a directory; none when it is not one. */
  names(path: string): Promise<readonly string[]>
}

// Whatever the guest's tree can be made to answer. The rest (`io`, a lost connection, a cancelled call) is no statement about the guest.
const answers: ReadonlySet<FsErrorKind> = new Set([
  'not-found',
  'not-a-directory',
  'is-a-directory',
  'not-a-file',
  'not-a-symlink',
  'permission-denied',
  'too-large',
  'name-too-long',
  'symlink-loop',
  'invalid-path',
  'not-supported',
])

// An os-release of 100 MB is an attack, not a release.
const maxTextBytes = 64 * 1024

async function orNull<T>(question: Promise<T>): Promise<T | null> {
  try {
    return await question
  } catch (error) {
    if (DeployError.isInstance(error) && FsError.is(error) && answers.has(error.kind)) return null
    throw error
  }
}

export function createEvidence(fs: GuestFs): Evidence {
  const evidence: Evidence = {
    has: async (path) => (await orNull(fs.stat(guestPath(path)))) !== null,
    hasAny: async (...paths) => (await Promise.all(paths.map(evidence.has))).includes(true),
    resolve: (path) => orNull(fs.resolve(guestPath(path))),
    bytes: (path, maxBytes) => orNull(fs.readFile(guestPath(path), { maxBytes })),
    async text(path) {
      const bytes = await evidence.bytes(path, maxTextBytes)
      return bytes === null ? null : new TextDecoder().decode(bytes)
    },
    names: async (path) => ((await orNull(fs.readdir(guestPath(path)))) ?? []).map(({ name }) => name),
  }
  return evidence
}

// C0, C1, and what turns the direction of text around.
const unprintable = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

/** Text of the guest made fit for a report: no control characters, one line, at most 256 characters. */
export const plainText = (text: string): string =>
  text.slice(0, 4096).replaceAll(unprintable, '').replaceAll(/\s+/g, ' ').trim().slice(0, 256)

/** An identifier of os-release(5): lower case letters, digits, `.`, `_`, `-`. Null when nothing of that is left. */
export const plainId = (text: string): string | null =>
  text
    .slice(0, 256)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '')
    .slice(0, 64) || null
