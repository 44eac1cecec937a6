import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { DriverError } from '@host-deployer/driver-api'
import { PROGRAM_DIRECTORIES } from '@host-deployer/driver-kit'
import { type ConsoleTail, createConsoleTail } from './console-tail.ts'
import { CONSOLE_FD, FIRST_IMAGE_FD, QMP_FD, SSH_FD } from './qemu-command-line.ts'
import type { VmUser } from './vm-user.ts'

export interface QemuExit {
  readonly exitCode: number | null
  readonly signal: string | null
}

export interface QemuProcess {
  readonly pid: number
  readonly qmp: Duplex
  readonly ssh: Duplex
  readonly console: ConsoleTail
  /** The start of what QEMU itself printed. */
  stderr(): string
  /** Resolves when the process has ended and its console has been read to the end. */
  readonly exited: Promise<QemuExit>
  /** Set once {@link exited} is settled. */
  exit(): QemuExit | undefined
  /** SIGKILL; does nothing once it has ended. */
  kill(): void
}

export interface QemuProcessInput {
  readonly qemu: string
  readonly setpriv: string
  readonly argv: readonly string[]
  readonly user: VmUser | undefined
  /** Descriptors from `KERNEL_FD` on; the caller closes its own afterwards. */
  readonly descriptors: readonly number[]
  /** Where QEMU starts. Default `/`. */
  readonly cwd?: string
  readonly onConsole?: (chunk: Uint8Array) => void
}

const MAX_STDERR_CHARACTERS = 16_384

function collectStderr(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < MAX_STDERR_CHARACTERS) text += chunk
  })
  return () => text
}

// Runs after setpriv has asked. A death before that is not told any more, but leaves another parent: who asks finds out, and QEMU is not started.
const UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"'

/**
 * Starts QEMU so that it ends with us, whatever ends us and when: setpriv(1) asks the kernel for SIGKILL at our death. The user id is changed before
 * that, since the kernel forgets the wish when credentials change (PR_SET_PDEATHSIG in prctl(2)).
 */
export async function startQemu(input: QemuProcessInput): Promise<QemuProcess> {
  const { qemu, setpriv, argv, user, descriptors } = input
  const guarded = ['sh', '-c', UNLESS_ORPHANED, String(process.pid), qemu, ...argv]
  const child = spawn(setpriv, ['--pdeathsig', 'KILL', '--no-new-privs', '--', ...guarded], {
    // Numbers 3, 4, 5 are socket pairs: QMP, SSH, console. Then kernel, initramfs or state, images.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe', ...descriptors],
    cwd: input.cwd ?? '/',
    env: { PATH: PROGRAM_DIRECTORIES.join(':'), LC_ALL: 'C' },
    ...(user !== undefined && { uid: user.uid, gid: user.gid }),
  })
  const exited = Promise.withResolvers<QemuExit>()
  let exit: QemuExit | undefined
  child.once('close', (exitCode, signal) => {
    exit = { exitCode, signal }
    exited.resolve(exit)
  })
  const stderr = collectStderr(child)
  const [qmp, ssh, serial] = [QMP_FD, SSH_FD, CONSOLE_FD].map((fd) => child.stdio[fd] as Duplex) as [Duplex, Duplex, Duplex]
  const console = createConsoleTail()
  serial.on('data', (chunk: Buffer) => {
    console.push(chunk)
    input.onConsole?.(chunk)
  })
  // An end that breaks is reported by the process's exit.
  for (const stream of [qmp, ssh, serial]) stream.on('error', () => {})

  const started = Promise.withResolvers<void>()
  child.once('spawn', started.resolve)
  child.once('error', (error) => {
    const context = { program: setpriv, fds: FIRST_IMAGE_FD + descriptors.length }
    // EINVAL: in a container with a user namespace the id may be none.
    const hint = user === undefined ? 'See the reason.' : 'Where this user id cannot be taken, give the driver option user another range.'
    const options = { hint, context: { ...context, ...user }, cause: error }
    started.reject(new DriverError('DRIVER_QEMU_NOT_STARTED', `QEMU could not be started: ${error.message}`, options))
  })
  await started.promise
  return {
    pid: child.pid ?? 0,
    qmp,
    ssh,
    console,
    stderr,
    exited: exited.promise,
    exit: () => exit,
    kill: () => void child.kill('SIGKILL'),
  }
}
