import { spawn } from 'node:child_process'
import { readlink } from 'node:fs/promises'
import { findProgram, PROGRAM_DIRECTORIES } from './find-program.ts'
import { createLocalToolHost } from './local-tool-host.ts'
import { isFirstProcessNamespace } from './process-namespace.ts'

/** Whether the kernel's nbd can be spoken to on netlink from here, or why not. */
export interface NbdNetlink {
  readonly usable: boolean
  readonly detail: string
}

const networkOf = (pid: number | 'self'): Promise<string | undefined> => readlink(`/proc/${pid}/ns/net`).catch(() => undefined)

/** kthreadd: a thread of the kernel itself, which has no other network than the machine's first. */
const KERNEL_THREAD = 2

/**
 * The kernel answers in the machine's first network namespace alone, and says whose a device is with a number of the first process namespace, which has to be
 * known before the device is attached.
 */
export async function findNbdNetlink(): Promise<NbdNetlink> {
  const program = await findProgram('nbd-client')
  if (program === undefined) return { usable: false, detail: 'there is no nbd-client (its package on Debian has the same name)' }
  if (!(await isFirstProcessNamespace())) return { usable: false, detail: 'this is a process namespace of its own' }
  const [ours, kernels] = await Promise.all([networkOf('self'), networkOf(KERNEL_THREAD)])
  if (ours === undefined || ours !== kernels) return { usable: false, detail: 'this is a network namespace of its own' }
  return { usable: true, detail: program }
}

const DISCONNECT_TIMEOUT_MS = 10_000

/**
 * Has the kernel give up a device that was attached through netlink. Requests that wait for a server that is gone end with an error, so the device must not be
 * opened for this, which may wait for one of them itself. Who has it open keeps it attached. Rejects when nbd-client cannot be run.
 */
export async function disconnectNbd(device: string): Promise<void> {
  await createLocalToolHost().exec(['nbd-client', '-d', device], { timeoutMs: DISCONNECT_TIMEOUT_MS })
}

const READ_TIMEOUT_MS = 5_000

/**
 * Whether what is on a device can be read: past the page cache, which remembers what it has been. It cannot where opening or reading it waits for something.
 * That is not waited for: such a process is beyond SIGKILL until the device is disconnected.
 */
export function isNbdServed(device: string): Promise<boolean> {
  return new Promise((resolve) => {
    const words = [`if=${device}`, 'of=/dev/null', 'bs=4096', 'count=1', 'iflag=direct', 'status=none']
    const child = spawn('dd', words, { stdio: 'ignore', cwd: '/', env: { PATH: PROGRAM_DIRECTORIES.join(':'), LC_ALL: 'C' } })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      child.unref()
      resolve(false)
    }, READ_TIMEOUT_MS)
    child.once('error', () => {
      clearTimeout(timer)
      // Nothing is known then.
      resolve(true)
    })
    child.once('exit', (exitCode) => {
      clearTimeout(timer)
      resolve(exitCode === 0)
    })
  })
}
