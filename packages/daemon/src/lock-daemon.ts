import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, type FileHandle, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError, type HostPath } from '@host-deployer/driver-api'
import { findProgram, identifyProcess, isRunning, type ProcessIdentity } from '@host-deployer/driver-kit'

/** How often a loser looks for the name of the winner, who writes it down at once. */
const TRIES = 40
const AGAIN_MS = 50

/**
 * Makes this process the one daemon of a state directory; resolves with the way to let go. The directory is created when it is missing: 0711, so that the
 * group of the sockets gets through to the one in it. The lock is the kernel's (flock(2)): it ends with the process, however that ends, and it counts
 * between containers, too, which do not see each other's processes. `DAEMON_ALREADY_RUNNING`, `CONFIG_STATE_DIRECTORY`.
 */
export async function lockDaemon(stateDirectory: HostPath): Promise<() => Promise<void>> {
  const path = join(stateDirectory, 'daemon.lock')
  try {
    const made = await mkdir(stateDirectory, { recursive: true, mode: 0o711 })
    // Whatever the umask has taken away.
    if (made !== undefined) await chmod(stateDirectory, 0o711)
    const handle = await lockFile(path, stateDirectory)
    // The name goes while the lock is still held: who has the file open by then sees that it is not the one with the name.
    return () => rm(path, { force: true }).finally(() => handle.close())
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError('CONFIG_STATE_DIRECTORY', `${stateDirectory} cannot be the state directory: ${reason}`, {
      hint: 'Give it to the user of the daemon, or name another one.',
      context: { stateDirectory },
      cause: error,
    })
  }
}

/** The file at this path, locked, with our name in it. */
async function lockFile(path: string, stateDirectory: HostPath): Promise<FileHandle> {
  for (let tries = 1; ; tries += 1) {
    const handle = await open(path, 'a+', 0o600)
    try {
      const isLocked = await lock(handle)
      // With the lock, only a version that took none is told by its name. Without it, the holder may not have written its own yet.
      const holder = await holderOf(path)
      if (holder !== undefined && (await isRunning(holder))) throw alreadyRunning(holder.pid, stateDirectory)
      if (isLocked && (await isStillAt(handle, path))) {
        await handle.truncate()
        await handle.writeFile(JSON.stringify(await identifyProcess(process.pid)))
        return handle
      }
      if (!isLocked && tries >= TRIES) throw alreadyRunning(holder?.pid, stateDirectory)
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    await delay(AGAIN_MS)
  }
}

/** Node has no flock(2). The lock that a child takes through a descriptor of ours is of the open file, so ours when the child has ended. */
async function lock(handle: FileHandle): Promise<boolean> {
  const flock = await findProgram('flock')
  if (flock === undefined) throw new TypeError('there is no flock(1), of util-linux')
  const child = spawn(flock, ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', handle.fd] })
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    complaint += chunk
  })
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (exitCode === 0) return true
  if (exitCode === 1 && complaint === '') return false
  throw new TypeError(`it cannot be locked: ${complaint.trim() || (signal ?? `flock ended with exit code ${exitCode}`)}`)
}

/** Whether the file that is open is the one that others find. */
async function isStillAt(handle: FileHandle, path: string): Promise<boolean> {
  const [mine, found] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)])
  return found !== undefined && found.ino === mine.ino && found.dev === mine.dev
}

async function holderOf(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}

function alreadyRunning(pid: number | undefined, stateDirectory: HostPath): ConfigError {
  const who = pid === undefined ? 'Another daemon' : `Another daemon (process ${pid})`
  return new ConfigError('DAEMON_ALREADY_RUNNING', `${who} uses ${stateDirectory}`, {
    hint: 'Stop the other daemon first, or give this one a state directory of its own.',
    context: { ...(pid !== undefined && { pid }), stateDirectory },
  })
}
