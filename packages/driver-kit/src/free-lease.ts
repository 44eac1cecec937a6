import { readFile, rm } from 'node:fs/promises'
import type { Lease } from '@host-deployer/driver-api'
import { becomesTrue } from './becomes-true.ts'
import { processesWithArgument } from './find-argument.ts'
import { freeNbdDevice } from './free-nbd-device.ts'
import { createLocalToolHost } from './local-tool-host.ts'
import { releaseLoops } from './loop-device.ts'
import { hasEnded, namespaceIn, wakeEntrants, whoIsLeft } from './namespace-end.ts'
import { hasLetGo, isRunning, type ProcessIdentity } from './process-identity.ts'

// What it takes the kernel to end a process that writes, or to let a device go, where the disk has other things to do, too.
const PATIENCE_MS = 10_000
// What it takes everything of a session to end, each process after another on a busy machine, some of them writing to a slow disk.
const NAMESPACE_PATIENCE_MS = 20_000

type Details = Lease['details']

function identityIn({ pid, startTicks, bootId }: Details): ProcessIdentity | undefined {
  if (typeof pid !== 'number' || typeof startTicks !== 'number' || typeof bootId !== 'string') return undefined
  return { pid, startTicks, bootId }
}

async function endProcess(identity: ProcessIdentity): Promise<void> {
  // The number alone could be somebody else's by now.
  if (!(await isRunning(identity))) return
  try {
    process.kill(identity.pid, 'SIGKILL')
  } catch (error) {
    // It ended meanwhile: what an owner that was killed had running often ends with it, at the same time.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
    throw error
  }
  if (!(await becomesTrue(() => hasLetGo(identity), PATIENCE_MS))) {
    throw new Error(`process ${identity.pid} was killed and does not end: it waits for a device`)
  }
}

async function freeProcess(details: Details): Promise<boolean> {
  const identity = identityIn(details)
  if (identity !== undefined) {
    await endProcess(identity)
    const parts = namespaceIn(identity, details)
    if (parts !== undefined) await wakeEntrants(parts)
    if (parts !== undefined && !(await becomesTrue(() => hasEnded(parts), NAMESPACE_PATIENCE_MS))) {
      const left = (await whoIsLeft(parts)).join('; ')
      throw new Error(`programs of the session with process ${identity.pid} were killed and do not end, they wait for a device: ${left}`)
    }
  }
  const { marker } = details
  if (typeof marker === 'string') for (const found of await processesWithArgument(marker)) await endProcess(found)
  return true
}

/** Mount points at or below a directory, as this process sees them, the deepest first. */
async function mountsBelow(directory: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  const targets = lines.map((line) =>
    (line.split(' ')[4] ?? '').replaceAll(/\\(\d{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
  )
  return targets.filter((target) => target === directory || target.startsWith(`${directory}/`)).reverse()
}

async function unmountBelow(directory: string): Promise<void> {
  const { exec } = createLocalToolHost()
  for (const target of await mountsBelow(directory)) await exec(['umount', '--', target], { timeoutMs: 60_000 })
  const [left] = await mountsBelow(directory)
  if (left !== undefined) throw new Error(`${left} is still mounted`)
}

async function freePath(kind: Lease['kind'], path: string): Promise<void> {
  // Whatever is still mounted in there is somebody's file system, not ours to remove file by file.
  if (kind === 'directory') await unmountBelow(path)
  await rm(path, { recursive: kind === 'directory', force: true })
}

/**
 * Frees what one lease stands for, if it is still there and still what the lease says. `false`: this function does not know such a lease. Rejects with the
 * reason when it cannot be freed.
 *
 * Details by kind: `process` a pid with `startTicks` and `bootId`, with {@link namespaceIn} what it was the first process of, or a `marker`, an argument no
 * other process has; `directory`, `file`, `socket` and
 * `mount` a `path`; `loop-device` the `backingName` of the file below it; `nbd-device` what
 * {@link import('./free-nbd-device.ts').NbdDeviceDetails} says.
 */
export async function freeLease({ kind, details }: Lease): Promise<boolean> {
  if (kind === 'process') return freeProcess(details)
  if (kind === 'nbd-device') return freeNbdDevice(details, PATIENCE_MS)
  if (kind === 'loop-device') {
    const { backingName } = details
    if (typeof backingName !== 'string' || backingName === '') return false
    await releaseLoops(backingName, PATIENCE_MS)
    return true
  }
  const { path } = details
  if (typeof path !== 'string' || !path.startsWith('/') || path === '/') return false
  if (kind === 'mount') await unmountBelow(path)
  else await freePath(kind, path)
  return true
}
