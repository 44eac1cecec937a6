import { BlockError, DeployError, type Diagnostic, joinToolPath, type ToolPath } from '@host-deployer/driver-api'
import { matchSource } from './match-source.ts'
import { mountFilesystem } from './mount-filesystem.ts'
import { mayBeRoot } from './mountable-filesystem.ts'
import type { BlockSession } from './mounted-guest.ts'
import { printable } from './printable.ts'
import { rankCandidates } from './rank-candidates.ts'
import { holdsNothing, type RootEvidence, rootEvidence, subvolumeCandidates } from './root-evidence.ts'
import type { Filesystem, Storage } from './storage.ts'
import { unmountAll } from './unmount-all.ts'

export interface FoundRoot {
  readonly filesystem: Filesystem
  readonly target: ToolPath
  readonly subvolume: string | null
  /** Mounted without its journal, to look only. */
  readonly journalIgnored: boolean
  readonly diagnostics: readonly Diagnostic[]
}

interface Candidate {
  readonly filesystem: Filesystem
  readonly target: ToolPath
  readonly subvolume: string | null
  readonly evidence: RootEvidence
  /** There is nothing in it. */
  readonly isEmpty: boolean
  readonly error?: DeployError
}

export interface FindRootOptions {
  readonly base: ToolPath
  readonly rootDevice?: string | undefined
  /** Whether a file system's journal is not to be replayed in any case. */
  readonly ignoreJournal: (filesystem: Filesystem) => boolean
}

/**
 * Mounts what may be a root, read-only, and keeps the one that is. With several candidates none has its journal replayed: looking at a data disk
 * must not write to it. On failure nothing stays mounted.
 */
export async function findRoot(session: BlockSession, storage: Storage, options: FindRootOptions): Promise<FoundRoot> {
  const filesystems = options.rootDevice === undefined ? rankCandidates(storage) : [chosen(storage, options.rootDevice)]
  const ignores = (filesystem: Filesystem) => filesystems.length > 1 || options.ignoreJournal(filesystem)
  const targets = filesystems.map((_, index) => joinToolPath(options.base, `root-${index}`))
  const looks = await Promise.allSettled(
    filesystems.map((filesystem, index) => look(session, filesystem, targets[index] ?? options.base, ignores(filesystem))),
  )
  const broken = looks.find((result) => result.status === 'rejected')
  if (broken !== undefined) {
    // The tool host itself failed. What is mounted is unknown, so every target is tried; what is not mounted does no harm.
    for (const target of targets) await unmountAll(session.toolHost, [target]).catch(() => undefined)
    throw broken.reason
  }
  const candidates = looks.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const mounted = candidates.filter(({ error }) => error === undefined)
  try {
    const root = select(storage, candidates, options.rootDevice !== undefined)
    const others = mounted.filter((candidate) => candidate !== root)
    await unmountAll(
      session.toolHost,
      others.map(({ target }) => target),
    )
    return {
      filesystem: root.filesystem,
      target: root.target,
      subvolume: root.subvolume,
      journalIgnored: ignores(root.filesystem),
      diagnostics: candidates.flatMap(noteFailure),
    }
  } catch (error) {
    await unmountAll(
      session.toolHost,
      mounted.map(({ target }) => target),
    )
    throw error
  }
}

function chosen(storage: Storage, rootDevice: string): Filesystem {
  const exact = storage.filesystems.filter(({ device }) => device === rootDevice)
  const matches = exact.length > 0 ? exact : matchSource(storage, rootDevice)
  const [first, second] = matches
  const hint = `What was found: ${describeAll(storage)}`
  if (first === undefined) throw new BlockError('BLOCK_ROOT_NOT_FOUND', `No file system matches ${JSON.stringify(rootDevice)}`, { hint })
  if (second !== undefined)
    throw new BlockError('BLOCK_ROOT_AMBIGUOUS', `Several file systems match ${JSON.stringify(rootDevice)}`, { hint })
  if (!mayBeRoot(first.type)) {
    throw new BlockError('BLOCK_FILESYSTEM_UNSUPPORTED', `${first.device} is ${first.type}, which cannot hold a root`, { hint })
  }
  return first
}

async function look(session: BlockSession, filesystem: Filesystem, target: ToolPath, ignoreJournal: boolean): Promise<Candidate> {
  const { toolHost } = session
  const attempt = async (subvolume: string | null): Promise<RootEvidence> => {
    await mountFilesystem(toolHost, { filesystem, target, ignoreJournal, subvolume, makeTarget: true })
    return rootEvidence(toolHost.fs, target)
  }
  try {
    const evidence = await attempt(null)
    const isEmpty = evidence === 'none' && (await holdsNothing(toolHost.fs, target))
    if (filesystem.type !== 'btrfs' || evidence !== 'none') return { filesystem, target, subvolume: null, evidence, isEmpty }
    for (const subvolume of await subvolumeCandidates(toolHost.fs, target)) {
      await unmountAll(toolHost, [target])
      const inSubvolume = await attempt(subvolume)
      if (inSubvolume !== 'none') return { filesystem, target, subvolume, evidence: inSubvolume, isEmpty }
    }
    return { filesystem, target, subvolume: null, evidence, isEmpty }
  } catch (error) {
    if (!DeployError.isInstance(error) || !error.code.startsWith('BLOCK_')) throw error
    return { filesystem, target, subvolume: null, evidence: 'none', isEmpty: false, error }
  }
}

function select(storage: Storage, candidates: readonly Candidate[], isChosen: boolean): Candidate {
  const failed = candidates.find(({ error }) => error !== undefined)?.error
  if (isChosen) {
    const [only] = candidates
    if (only === undefined || failed !== undefined) throw failed ?? noRoot(storage, candidates)
    if (only.evidence === 'none') throw noRoot(storage, candidates)
    return only
  }
  for (const strength of ['strong', 'weak'] as const) {
    const [first, second] = candidates.filter(({ evidence }) => evidence === strength)
    if (first !== undefined && second !== undefined) throw ambiguous(candidates.filter(({ evidence }) => evidence === strength))
    if (first !== undefined) return first
  }
  throw failed ?? noRoot(storage, candidates)
}

const describe = ({ device, type, label, uuid, sizeBytes }: Filesystem): string => {
  const tags = [label === null ? '' : `LABEL=${JSON.stringify(printable(label))}`, uuid === null ? '' : `UUID=${uuid}`].filter(Boolean)
  return [device, type, `${Math.round(sizeBytes / 2 ** 20)} MiB`, ...tags].join(' ')
}

const describeAll = ({ filesystems }: Storage): string => (filesystems.length === 0 ? 'nothing' : filesystems.map(describe).join('; '))

function ambiguous(candidates: readonly Candidate[]): BlockError {
  const found = candidates.map(({ filesystem }) => describe(filesystem))
  return new BlockError('BLOCK_ROOT_AMBIGUOUS', `${candidates.length} file systems hold an operating system: ${found.join('; ')}`, {
    hint: `Say which one is meant: --root-device ${candidates[0]?.filesystem.device ?? 'DEVICE'}, or UUID=..., LABEL=...`,
    context: { candidates: candidates.map(({ filesystem }) => filesystem) },
  })
}

function noRoot(storage: Storage, candidates: readonly Candidate[]): BlockError {
  const has = (type: string) => storage.filesystems.some((filesystem) => filesystem.type === type)
  const hint = has('crypto_LUKS')
    ? 'The disk is encrypted with LUKS; encrypted guests cannot be opened yet.'
    : has('linux_raid_member')
      ? 'The disk is part of a Linux software RAID, which is not assembled yet.'
      : 'Is this the boot disk of the guest, and are all of its disks given?'
  return new BlockError('BLOCK_NO_ROOT', `No root file system was found on the disks. What was found: ${describeAll(storage)}`, {
    hint,
    context: {
      filesystems: storage.filesystems,
      // What a new disk is made with looks like this; a system that is not known does not.
      empty: candidates.filter(({ isEmpty }) => isEmpty).map(({ filesystem }) => filesystem.device),
      diagnostics: storage.diagnostics,
    },
  })
}

const noteFailure = ({ error, filesystem }: Candidate): Diagnostic[] =>
  error === undefined
    ? []
    : [
        {
          severity: 'warning',
          code: error.code,
          summary: 'A file system could not be looked into',
          detail: error.message,
          path: filesystem.device,
        },
      ]
