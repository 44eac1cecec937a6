import { spawn } from 'node:child_process'
import { CleanupError, DiskError, DriverError } from '@host-deployer/driver-api'
import { becomesTrue, blockNode, type OpenedDisk, type ResourceStack, type SessionNamespace, signalBelow } from '@host-deployer/driver-kit'

export interface ExportedDisk {
  readonly opened: OpenedDisk
  /** The file that the disk appears as. */
  readonly file: string
}

// Descriptors of a child start after its standard ones.
const FIRST_FD = 3
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 60_000

/** Pure. The options of qemu-storage-daemon(1) that show disks as files. Images are descriptors in the order of the disks: no name is QEMU's to resolve. */
export function exportOptions(disks: readonly ExportedDisk[]): string[] {
  let fd = FIRST_FD
  return disks.flatMap(({ opened, file }, number) => {
    const filenames = opened.images.map(() => `/proc/self/fd/${fd++}`)
    const nodeName = `disk${number}`
    const fuse = { type: 'fuse', id: `export${number}`, 'node-name': nodeName, mountpoint: file, writable: !opened.readOnly }
    const node = blockNode(opened, { filenames, nodeName, exclusive: true })
    return ['--blockdev', JSON.stringify(node), '--export', JSON.stringify({ ...fuse, 'allow-other': 'off' })]
  })
}

export interface StorageDaemonPlace {
  readonly namespace: Pick<SessionNamespace, 'enter'>
  readonly signal: AbortSignal | undefined
}

/**
 * Shows disks as files in the namespace, and no longer than it or `stack` is. `IMAGE_LOCKED`, `DRIVER_QSD_FAILED`, or what `signal` says; on release
 * `CLEANUP_FLUSH_FAILED`.
 */
export async function startStorageDaemon(
  disks: readonly ExportedDisk[],
  { namespace, signal }: StorageDaemonPlace,
  stack: ResourceStack,
): Promise<void> {
  // The monitor is made last, and greets: then everything else stands.
  const monitor = ['--chardev', 'stdio,id=monitor', '--monitor', 'chardev=monitor']
  const [program, ...words] = namespace.enter
  const child = spawn(program, [...words, 'qemu-storage-daemon', ...exportOptions(disks), ...monitor], {
    // Of its own group: Ctrl-C is for us, we then close in order.
    detached: true,
    env: { PATH, LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe', ...disks.flatMap(({ opened }) => opened.images.map(({ handle }) => handle.fd))],
  })
  let said = ''
  let [running, greeted, serving] = [true, false, false]
  // An error without a listener would end this process. Where no program could be started there may be no pipes either.
  child.once('error', ({ message }) => {
    said += message
    running = false
  })
  child.once('close', () => {
    running = false
  })
  child.stdin?.on('error', () => {})
  child.stdout?.on('data', () => {
    greeted = true
  })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const hasEnded = async (): Promise<boolean> => !running
  // nsenter waits for the daemon: the one is told to end, the other sees that.
  const kill = (): void => {
    if (running && child.pid !== undefined) signalBelow(child.pid, 'SIGKILL')
  }
  // Registered before it is ready: it may hang while it starts.
  stack.defer('qemu-storage-daemon', async () => {
    // Asked on its monitor, it flushes before it ends. Before it serves there is nothing to flush.
    if (serving) child.stdin?.end('{"execute":"qmp_capabilities"}{"execute":"quit"}\n')
    else kill()
    const ended = await becomesTrue(hasEnded, STOP_TIMEOUT_MS)
    if (!ended) kill()
    if (!serving || (ended && child.exitCode === 0)) return
    throw new CleanupError('CLEANUP_FLUSH_FAILED', `qemu-storage-daemon did not end well: ${said.trim()}`)
  })
  await becomesTrue(async () => greeted || !running, START_TIMEOUT_MS, signal)
  signal?.throwIfAborted()
  if (!running) throw explain(said.trim())
  if (!greeted) throw explain(`not ready after ${START_TIMEOUT_MS} ms ${said.trim()}`)
  serving = true
}

function explain(reason: string): DiskError | DriverError {
  if (/Failed to get .* lock|Is another process using/.test(reason)) {
    return new DiskError('IMAGE_LOCKED', reason, { hint: 'Stop who has the image open.', retry: 'may-help' })
  }
  return new DriverError('DRIVER_QSD_FAILED', `qemu-storage-daemon: ${reason}`, { hint: 'Check the image with qemu-img check.' })
}
