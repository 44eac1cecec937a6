import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CleanupError, DiskError, DriverError } from '@host-deployer/driver-api'
import { blockNode, type OpenedDisk, type ResourceStack, type SessionNamespace } from '@host-deployer/driver-kit'

export interface ExportedDisk {
  readonly opened: OpenedDisk
  /** The file that the disk appears as. */
  readonly file: string
}

// Descriptors of a child start after its standard ones.
const FIRST_FD = 3
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
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

/** Shows disks as files in the namespace, and no longer than it or `stack` is. `IMAGE_LOCKED`, `DRIVER_QSD_FAILED`; on release `CLEANUP_FLUSH_FAILED`. */
export async function startStorageDaemon(disks: readonly ExportedDisk[], { enter }: SessionNamespace, stack: ResourceStack): Promise<void> {
  // The monitor is made last, and greets: then everything else stands.
  const monitor = ['--chardev', 'stdio,id=monitor', '--monitor', 'chardev=monitor']
  const [program, ...words] = enter
  const child = spawn(program, [...words, 'qemu-storage-daemon', ...exportOptions(disks), ...monitor], {
    // Of its own group: Ctrl-C is for us, we then close in order.
    detached: true,
    env: { PATH, LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe', ...disks.flatMap(({ opened }) => opened.images.map(({ handle }) => handle.fd))],
  })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  child.stdin?.on('error', () => {})
  const ended = once(child, 'close')
  ended.catch(() => {})
  const first = await Promise.race([once(child.stdout ?? child, 'data').then(() => 'ready'), ended.then(() => 'ended')])
  if (first === 'ended') throw explain(said.trim())
  child.stdout?.resume()
  stack.defer('qemu-storage-daemon', async () => {
    // Asked on its monitor, it flushes before it ends.
    child.stdin?.end('{"execute":"qmp_capabilities"}{"execute":"quit"}\n')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
    if (child.exitCode !== 0) throw new CleanupError('CLEANUP_FLUSH_FAILED', `qemu-storage-daemon did not end well: ${said.trim()}`)
  })
}

function explain(reason: string): DiskError | DriverError {
  if (/Failed to get .* lock|Is another process using/.test(reason)) {
    return new DiskError('IMAGE_LOCKED', reason, { hint: 'Stop who has the image open.', retry: 'may-help' })
  }
  return new DriverError('DRIVER_QSD_FAILED', `qemu-storage-daemon: ${reason}`, { hint: 'Check the image with qemu-img check.' })
}
