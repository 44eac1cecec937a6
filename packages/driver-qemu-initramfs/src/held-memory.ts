import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { DriverError } from '@host-deployer/driver-api'
import { findProgram, identifyProcess, isRunning, PROGRAM_DIRECTORIES, type ProcessIdentity } from '@host-deployer/driver-kit'

/** `memfd_create` of the C library's syscall tables; perl has no function for it. */
const MEMFD_CREATE: Partial<Record<NodeJS.Architecture, number>> = { x64: 319, arm64: 279 }

// memfd_create(2) with close-on-exec and sealing, and not to be executed where the kernel knows that (6.3; with vm.memfd_noexec=2 it insists). fcntl(2)
// F_ADD_SEALS with F_SEAL_SEAL, SHRINK, GROW and WRITE: nobody can write to it from then on, whoever has it open, and private mappings work. The kernel may
// take a moment to give up the mapping of a process that has just ended (EBUSY, 16). Until it is told to keep the memory it ends when its input does; then
// when the record of the template does not name this memory any more, since nobody could find it, or when all keepers that the record names have ended.
// That is looked at each second. It keeps nothing else open.
const HOLDER = String.raw`
my ($call, $bytes, $record) = @ARGV;
opendir(my $open, "/proc/self/fd") or die "/proc: $!";
my @inherited = grep { /^[0-9]+$/ && $_ > 2 } readdir($open);
closedir($open);
for my $number (@inherited) { open(my $file, "<&=", $number) and close($file); }
my $name = "host-deployer-template";
my $fd = syscall($call, $name, 11);
$fd = syscall($call, $name, 3) if $fd < 0;
$fd >= 0 or die "memfd_create: $!";
open(my $memory, "+<&=", $fd) or die "open: $!";
truncate($memory, $bytes) or die "truncate: $!";
my $inode = (stat($memory))[1];
$| = 1;
print "$fd\n";
<STDIN> eq "seal\n" or exit 1;
for (my $tries = 1; !fcntl($memory, 1033, 15); $tries++) {
  $! == 16 && $tries < 40 or die "seal: $!";
  select(undef, undef, undef, 0.05);
}
print "sealed\n";
<STDIN> eq "keep\n" or exit 1;
print "kept\n";
open(STDIN, "<", "/dev/null") && open(STDOUT, ">", "/dev/null") && open(STDERR, ">", "/dev/null") or exit 1;
$0 = "host-deployer: memory of the template";
sub text { open(my $file, "<", $_[0]) or return ""; local $/; my $text = <$file>; defined $text ? $text : "" }
sub runs {
  my ($pid, $ticks) = @_;
  text("/proc/$pid/stat") =~ /.*\) (.*)/s or return 0;
  my @fields = split / /, $1;
  $fields[0] ne "Z" && $fields[0] ne "X" && $fields[19] == $ticks;
}
while (1) {
  my $named = text($record);
  index($named, qq("inode":"$inode")) >= 0 && $named =~ /"keepers":\[([^\]]*)\]/ or exit 0;
  my ($keepers, $kept) = ($1, 0);
  while ($keepers =~ /"pid":(\d+),"startTicks":(\d+)/g) { $kept ||= runs($1, $2); }
  $kept or exit 0;
  select(undef, undef, undef, 1);
}
`

/** Where the memory of a template is, for as long as the process that holds it runs. The holder reads this from the record, `pid` and `startTicks` in that order. */
export interface MemoryPlace {
  readonly holder: ProcessIdentity
  /** With the last of them the holder ends. */
  readonly keepers: readonly ProcessIdentity[]
  /** Of the holder. */
  readonly descriptor: number
  readonly inode: string
}

/** The memory of a template that is being made. */
export interface HeldMemory {
  /** Open for reading and writing. The caller closes it before {@link seal}. */
  readonly handle: FileHandle
  readonly place: MemoryPlace
  /** Nobody can write to it any more. `DRIVER_TEMPLATE_FAILED` while somebody has it mapped for writing. */
  seal(): Promise<void>
  /** The holder stays, sealed, until its keepers end or the record is gone. Without this it ends with this process. */
  keep(): Promise<void>
  /** Ends the holder, and the memory with it. */
  release(): void
}

export interface HoldMemoryInput {
  readonly sizeBytes: number
  /** The first of those with whom the holder ends. */
  readonly keeper: ProcessIdentity
  /** The file that will say where the memory is ({@link MemoryPlace}); it has to be there when the holder is told to keep the memory. */
  readonly record: string
}

const failed = (message: string, cause?: unknown): DriverError =>
  new DriverError('DRIVER_TEMPLATE_FAILED', `No memory for a template can be held: ${message}`, {
    hint: 'Sessions work without, each with a copy of the memory of its own.',
    cause,
  })

/**
 * Makes memory that clones can map privately and nobody can write to once it is sealed, held by a process of its own. That process is perl, which
 * every Debian has: Node.js has no way to seal, and the keepers need not know. `DRIVER_TEMPLATE_FAILED` where that does not work; nothing is left then.
 */
export async function holdMemory({ sizeBytes, keeper, record }: HoldMemoryInput): Promise<HeldMemory> {
  const call = MEMFD_CREATE[process.arch]
  const perl = await findProgram('perl')
  if (call === undefined || perl === undefined) throw failed(perl === undefined ? 'there is no perl' : `not on ${process.arch} yet`)
  const argv = ['-e', HOLDER, String(call), String(sizeBytes), record]
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
  const hear = async (expected: RegExp): Promise<string> => {
    const { done, value } = await Promise.race([lines.next(), ended])
    // It has ended, or is about to: why is in its complaint, when all of that is read.
    if (done === true) return ended
    if (!expected.test(value)) throw failed(`its process said ${JSON.stringify(value)}`)
    return value
  }
  let handle: FileHandle | undefined
  try {
    await Promise.race([once(child, 'spawn'), ended])
    const descriptor = Number(await hear(/^\d+$/))
    const holder = await identifyProcess(child.pid ?? 0)
    if (holder === undefined) throw failed('its process ended')
    handle = await open(`/proc/${holder.pid}/fd/${descriptor}`, constants.O_RDWR)
    const { ino } = await handle.stat({ bigint: true })
    return {
      handle,
      place: { holder, keepers: [keeper], descriptor, inode: String(ino) },
      async seal() {
        child.stdin.write('seal\n')
        await hear(/^sealed$/)
      },
      async keep() {
        child.stdin.end('keep\n')
        await hear(/^kept$/)
        child.unref()
      },
      release: () => void child.kill('SIGKILL'),
    }
  } catch (error) {
    await handle?.close()
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
  const found = await handle.stat({ bigint: true }).catch(() => undefined)
  if (String(found?.ino) === inode && (await isRunning(holder))) return handle
  await handle.close()
  return undefined
}
