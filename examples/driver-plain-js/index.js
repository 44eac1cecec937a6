import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { CleanupError, DiskError, DriverError } from '@host-deployer/driver-api'
import {
  aborted,
  attachLoop,
  becomesTrue,
  blockNode,
  createLocalToolHost,
  createResourceStack,
  createSessionDirectory,
  defineDriver,
  findProgram,
  openDisk,
  openSessionNamespace,
  signalBelow,
} from '@host-deployer/driver-kit'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
// 0 to 2 are the standard ones, 3 is the socket that nbdfuse hands to qemu-nbd.
const FIRST_FD = 4
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 60_000
const capabilities = { isolated: false, xattrs: true, guestExec: false, partitionNodes: false, lvm: false }
const programs = { nbdfuse: 'libnbd-bin', 'qemu-nbd': 'qemu-utils', losetup: 'mount', nsenter: 'util-linux' }

async function probe() {
  const findings = []
  for (const [subject, debianPackage] of Object.entries(programs)) {
    const path = await findProgram(subject)
    if (path !== undefined) findings.push({ subject, ok: true, detail: path })
    else findings.push({ subject, ok: false, detail: 'not found', remedy: `apt-get install ${debianPackage}`, debianPackage })
  }
  for (const subject of ['/dev/fuse', '/dev/loop-control']) {
    const ok = await access(subject, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    )
    findings.push({ subject, ok, detail: ok ? 'there' : 'missing, or not ours', ...(!ok && { remedy: 'Load the modules fuse and loop.' }) })
  }
  const isRoot = process.getuid?.() === 0
  findings.push({ subject: 'root', ok: isRoot, detail: isRoot ? 'yes' : 'no', ...(!isRoot && { remedy: 'Run as root.' }) })
  return { usable: findings.every(({ ok }) => ok), findings, capabilities }
}

/** Shows one disk as a file in the namespace: nbdfuse starts qemu-nbd, and both end when the file is unmounted. */
async function showDisk(disk, mountpoint, name, { namespace, exec, signal }, stack) {
  await mkdir(mountpoint)
  const filenames = disk.images.map((_, index) => `/proc/self/fd/${FIRST_FD + index}`)
  const image = `json:${JSON.stringify(blockNode(disk, { filenames, exclusive: true }))}`
  const access = disk.readOnly ? ['--readonly'] : []
  const server = ['[', 'qemu-nbd', ...(disk.readOnly ? ['--read-only'] : []), '--discard=unmap', image, ']']
  const [program, ...words] = [
    ...namespace.enter,
    'nbdfuse',
    '--pidfile',
    `${mountpoint}.pid`,
    ...access,
    `${mountpoint}/${name}`,
    ...server,
  ]
  const child = spawn(program, words, {
    detached: true,
    env: { PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe', 'ignore', ...disk.images.map(({ handle }) => handle.fd)],
  })
  let said = ''
  let [running, shown] = [true, false]
  // An error without a listener would end this process. Where no program could be started there may be no pipe either.
  child.once('error', ({ message }) => {
    said += message
    running = false
  })
  child.once('close', () => {
    running = false
  })
  child.stderr?.setEncoding('utf8').on('data', (chunk) => {
    said += chunk
  })
  // Registered before it is ready: it may hang while it starts.
  stack.defer(`nbdfuse of ${disk.id}`, async () => {
    // Before the file is shown nobody has written to it. nsenter waits for nbdfuse: the one is told to end, the other sees that.
    if (running && !shown && child.pid !== undefined) signalBelow(child.pid, 'SIGKILL')
    // Again and again: a program that still looks at the device keeps it mounted.
    const isOver = async () => {
      if (running && shown) await exec(['umount', '--', mountpoint])
      return !running
    }
    if (!(await becomesTrue(isOver, STOP_TIMEOUT_MS))) throw new CleanupError('CLEANUP_FLUSH_FAILED', `nbdfuse does not end: ${said}`)
  })
  const isShown = async () => (await exec(['test', '-e', `${mountpoint}.pid`])).exitCode === 0
  const ready = await becomesTrue(async () => !running || (await isShown()), START_TIMEOUT_MS, signal)
  signal?.throwIfAborted()
  if (running && ready) {
    shown = true
    return `${mountpoint}/${name}`
  }
  if (/Failed to get .* lock|Is another process using/.test(said))
    throw new DiskError('IMAGE_LOCKED', said, { hint: 'Stop who has the image open.', retry: 'may-help' })
  const reason = running ? `not ready after ${START_TIMEOUT_MS} ms ${said}` : said
  throw new DriverError('DRIVER_NBDFUSE_FAILED', `nbdfuse: ${reason.trim()}`, { hint: 'Check the image with qemu-img check.' })
}

async function attach({ disks }, context, stack) {
  const { signal, leases } = context
  signal?.throwIfAborted()
  const { id, path } = await createSessionDirectory(context, stack)
  const opened = await Promise.all(disks.map((disk) => openDisk(disk, path, stack)))
  const namespace = await openSessionNamespace({ id, leases }, stack)
  const toolHost = createLocalToolHost({ namespace })
  const run = async (...argv) => {
    const { exitCode, stdout, stderr } = await toolHost.exec(argv, { timeoutMs: 60_000 })
    if (exitCode === 0) return Buffer.from(stdout).toString()
    throw new DriverError('DRIVER_NBDFUSE_FAILED', `${argv.join(' ')}: ${Buffer.from(stderr)}`, {
      hint: 'The reason is in the message; what the kernel says about the device is in dmesg.',
    })
  }
  // Where guests are mounted: of our own, since other sessions mount there, too.
  await mkdir('/run/host-deployer', { recursive: true, mode: 0o700 })
  await run('mount', '-t', 'tmpfs', '-o', 'mode=0700,size=16m,nosuid,nodev', 'host-deployer', '/run/host-deployer')

  const attached = []
  for (const [number, disk] of opened.entries()) {
    signal?.throwIfAborted()
    const place = { namespace, exec: toolHost.exec, signal }
    const file = await showDisk(disk, `${path}/disk${number}`, `${id}-${number}`, place, stack)
    const device = await attachLoop({ exec: toolHost.exec, leases }, { file, readOnly: disk.readOnly }, stack)
    attached.push({ id: disk.id, device, sizeBytes: Number(await run('blockdev', '--getsize64', device)), readOnly: disk.readOnly })
  }
  signal?.throwIfAborted()
  const written = attached.flatMap(({ readOnly, device }) => (readOnly ? [] : [device]))
  // Released first, hence registered last: what is still written, what is still mounted, loop devices over parts of ours.
  stack.defer('what was written', async () => {
    if (written.length === 0) return
    await run('sync', ...written).catch((cause) => {
      throw new CleanupError('CLEANUP_FLUSH_FAILED', cause.message, { cause })
    })
  })
  stack.defer('what is mounted', async () => {
    const devices = attached.map(({ device }) => device)
    const loops = []
    for (const device of devices)
      loops.push(...(await run('losetup', '--associated', device, '--noheadings', '--output', 'NAME')).split('\n').filter(Boolean))
    const mounts = (await run('findmnt', '--raw', '--nofsroot', '--noheadings', '--output', 'SOURCE,TARGET')).split('\n')
    // The last first: file systems are mounted inside of each other.
    for (const line of mounts.reverse()) {
      const [source, target = ''] = line.split(' ')
      const path = target.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
      if ([...devices, ...loops].includes(source)) await run('umount', '--', path)
    }
    for (const loop of loops) await run('losetup', '--detach', loop)
  })
  let closing
  const close = () => {
    closing ??= stack.release()
    return closing
  }
  const info = { accelerator: 'none', timings: {} }
  return { capabilities, disks: attached, toolHost, info, diagnostics: [], close, [Symbol.asyncDispose]: close }
}

async function open(request, context) {
  if (!context.options.trustImages) {
    throw new DriverError(
      'DRIVER_IMAGE_NOT_TRUSTED',
      'The kernel of this machine would mount the image, and a hostile one can exploit that',
      {
        hint: 'For an image of your own say --trust-image; for others use --driver qemu-initramfs.',
      },
    )
  }
  const stack = createResourceStack()
  try {
    return await attach(request, context, stack)
  } catch (error) {
    throw await stack.releaseAfter(context.signal?.aborted ? aborted(context.signal, 'open') : error)
  }
}

const validate = (value) => {
  if (typeof value !== 'object' || value === null) return { issues: [{ message: 'options are an object' }] }
  const { trustImages = false, ...unknown } = value
  const issues = Object.keys(unknown).map((key) => ({ message: 'there is no such option', path: [key] }))
  if (typeof trustImages !== 'boolean') issues.push({ message: 'true or false', path: ['trustImages'] })
  return issues.length === 0 ? { value: { trustImages } } : { issues }
}
const options = { '~standard': { version: 1, vendor: 'driver-plain-js', validate } }

export const driver = defineDriver({ name: 'plain-js', options, probe, open })
