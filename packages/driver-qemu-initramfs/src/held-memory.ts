import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { DriverError } from '@host-deployer/driver-api'
import { findProgram, identifyProcess, isRunning, PROGRAM_DIRECTORIES, type ProcessIdentity } from '@host-deployer/driver-kit'

/** `memfd_create` of the C library's syscall tables; perl has no function for it. */
const MEMFD_CREATE: Partial<Record<NodeJS.Architecture, number>> = { x64: 319, arm64: 279 }

// memfd_create(2) with close-on-exec and sealing; fcntl(2) F_ADD_SEALS with F_SEAL_SEAL, SHRINK, GROW and WRITE. Nobody can write to it from then on, whoever
// has it open, and private mappings work. It ends when its keeper does, which it looks for in /proc; before it is sealed also when its input ends.
const HOLDER = `
my ($call, $bytes, $keeper, $ticks) = @ARGV;
my $name = "host-deployer-template";
my $fd = syscall($call, $name, 3);
$fd >= 0 or die "memfd_create: $!";
open(my $memory, "+<&=", $fd) or die "open: $!";
truncate($memory, $bytes) or die "truncate: $!";
$| = 1;
print "$fd\\n";
<STDIN> eq "seal\\n" or exit 1;
fcntl($memory, 1033, 15) or die "seal: $!";
print "sealed\\n";
close(STDIN); close(STDOUT); close(STDERR);
$0 = "host-deployer: memory of the template";
while (1) {
  open(my $stat, "<", "/proc/$keeper/stat") or exit 0;
  my $line = <$stat>; close($stat);
  defined $line && $line =~ /.*\\) (.*)/ or exit 0;
  my @fields = split / /, $1;
  exit 0 if $fields[0] eq "Z" || $fields[0] eq "X" || $fields[19] != $ticks;
  sleep 1;
}
`

/** Where the memory of a template is, for as long as the process that holds it runs. */
export interface MemoryPlace {
  readonly holder: ProcessIdentity
  /** With it the holder ends. */
  readonly keeper: ProcessIdentity
  /** Of the holder. */
  readonly descriptor: number
  readonly inode: string
}

/** The memory of a template that is being made. */
export interface HeldMemory {
  /** Open for reading and writing. The caller closes it before {@link seal}. */
  readonly handle: FileHandle
  readonly place: MemoryPlace
  /** Nobody can write to it any more. The holder stays until its keeper ends. `DRIVER_TEMPLATE_FAILED` while somebody has it mapped for writing. */
  seal(): Promise<void>
  /** Ends the holder, and the memory with it. */
  release(): void
}

const failed = (message: string, cause?: unknown): DriverError =>
  new DriverError('DRIVER_TEMPLATE_FAILED', `No memory for a template can be held: ${message}`, {
    hint: 'Sessions work without, each with a copy of the memory of its own.',
    cause,
  })

/**
 * Makes memory that clones can map privately and nobody can write to once it is sealed, held by a process that ends with `keeper`. That process is perl, which
 * every Debian has: Node.js has no way to seal, and the keeper need not know. `DRIVER_TEMPLATE_FAILED` where that does not work.
 */
export async function holdMemory(sizeBytes: number, keeper: ProcessIdentity): Promise<HeldMemory> {
  const call = MEMFD_CREATE[process.arch]
  const perl = await findProgram('perl')
  if (call === undefined || perl === undefined) throw failed(perl === undefined ? 'there is no perl' : `not on ${process.arch} yet`)
  const argv = ['-e', HOLDER, String(call), String(sizeBytes), String(keeper.pid), String(keeper.startTicks)]
  // Not in our process group: a Ctrl-C is for the one who deploys.
  const child = spawn(perl, argv, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    cwd: '/',
    env: { PATH: PROGRAM_DIRECTORIES.join(':') },
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaint += chunk
  })
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(() => Promise.reject(failed(complaint.trim() || 'its process ended')))
  ended.catch(() => {})
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const nextLine = async (): Promise<string> => String((await Promise.race([lines.next(), ended])).value ?? '')
  try {
    await Promise.race([once(child, 'spawn'), ended])
    const descriptor = Number(await nextLine())
    const holder = await identifyProcess(child.pid ?? 0)
    if (holder === undefined) throw failed('its process ended')
    const handle = await open(`/proc/${holder.pid}/fd/${descriptor}`, constants.O_RDWR)
    const { ino } = await handle.stat({ bigint: true })
    return {
      handle,
      place: { holder, keeper, descriptor, inode: String(ino) },
      async seal() {
        child.stdin.end('seal\n')
        if ((await nextLine()) !== 'sealed') throw failed(complaint.trim() || 'it could not be sealed')
        child.unref()
      },
      release: () => void child.kill('SIGKILL'),
    }
  } catch (error) {
    child.kill('SIGKILL')
    throw DriverError.isInstance(error) ? error : failed(String(error), error)
  }
}

/** Ends the holder; clones that have the memory mapped go on. */
export async function endHolder({ holder }: MemoryPlace): Promise<void> {
  if (!(await isRunning(holder))) return
  try {
    process.kill(holder.pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile, or is somebody else's.
  }
}

/** Opens what somebody holds; the handle is the caller's. `undefined` when nobody does any more. */
export async function openHeldMemory({ holder, descriptor, inode }: MemoryPlace): Promise<FileHandle | undefined> {
  if (!(await isRunning(holder))) return undefined
  // For reading and writing, since QEMU opens it again that way.
  const handle = await open(`/proc/${holder.pid}/fd/${descriptor}`, constants.O_RDWR).catch(() => undefined)
  if (handle === undefined) return undefined
  if (String((await handle.stat({ bigint: true })).ino) === inode && (await isRunning(holder))) return handle
  await handle.close()
  return undefined
}
