import { readFile } from 'node:fs/promises'

/** Where the memory of one running QEMU is, from `/proc/PID/smaps` (proc(5)). */
export interface CloneMemory {
  /** Pages of the guest's RAM that are in memory: what its kernel, files and programs have touched. */
  readonly guestBytes: number
  /** Of these, shared with other processes: clones of a template whose memory is held. */
  readonly guestSharedBytes: number
  /** Its part of these: a page that n processes have counts 1/n for each. */
  readonly guestProportionalBytes: number
  /** Pages nobody else can have: where the memory is held, those it has written to. */
  readonly guestCopiedBytes: number
  /** QEMU's own pages that nobody else has: heap, stacks, tables. */
  readonly qemuBytes: number
  /** Of these, translated code of the guest (TCG). */
  readonly translatedBytes: number
  /** QEMU's program and libraries and other pages that are shared with other processes. */
  readonly qemuSharedBytes: number
}

interface Mapping {
  readonly sizeBytes: number
  readonly permissions: string
  readonly residentBytes: number
  readonly privateBytes: number
  readonly proportionalBytes: number
  readonly anonymousBytes: number
  /** Of memory that is held for clones, see held-memory.ts of the driver. */
  readonly isHeld: boolean
}

const KIB = 1024

function parseMappings(smaps: string): Mapping[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).map((block) => {
    const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(block)?.[1] ?? 0)
    return {
      sizeBytes: kib('Size') * KIB,
      permissions: block.split(' ', 2)[1] ?? '',
      residentBytes: kib('Rss') * KIB,
      privateBytes: (kib('Private_Dirty') + kib('Private_Clean')) * KIB,
      proportionalBytes: kib('Pss') * KIB,
      anonymousBytes: kib('Anonymous') * KIB,
      isHeld: /^\S+ \S+ \S+ \S+ \S+ +\/memfd:/.test(block),
    }
  })
}

/**
 * Pure. The guest's RAM is the mapping of a memfd that can hold `memoryMb`, or else the smallest mapping that can; translated code the one that may be
 * executed and written.
 */
export function cloneMemoryOf(smaps: string, memoryMb: number): CloneMemory {
  const mappings = parseMappings(smaps)
  const fits = mappings.filter(({ sizeBytes, permissions }) => sizeBytes >= memoryMb * 2 ** 20 && permissions.startsWith('rw'))
  const guest = fits.find(({ isHeld }) => isHeld) ?? fits.toSorted((one, other) => one.sizeBytes - other.sizeBytes)[0]
  if (guest === undefined) throw new TypeError(`No mapping is as large as ${memoryMb} MB of guest memory`)
  const own = mappings.filter((mapping) => mapping !== guest)
  const sum = (of: readonly Mapping[], what: 'residentBytes' | 'privateBytes') => of.reduce((total, mapping) => total + mapping[what], 0)
  return {
    guestBytes: guest.residentBytes,
    guestSharedBytes: guest.residentBytes - guest.privateBytes,
    guestProportionalBytes: guest.proportionalBytes,
    guestCopiedBytes: guest.anonymousBytes,
    qemuBytes: sum(own, 'privateBytes'),
    translatedBytes: sum(
      own.filter(({ permissions }) => permissions.startsWith('rwx')),
      'privateBytes',
    ),
    qemuSharedBytes: sum(own, 'residentBytes') - sum(own, 'privateBytes'),
  }
}

/** Measures the QEMU with this process id, whose guest has `memoryMb` of RAM. It has to be ours, or we root. */
export async function measureCloneMemory(pid: number, memoryMb: number): Promise<CloneMemory> {
  return cloneMemoryOf(await readFile(`/proc/${pid}/smaps`, 'utf8'), memoryMb)
}
