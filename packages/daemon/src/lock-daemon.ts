import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, type HostPath } from '@host-deployer/driver-api'
import { identifyProcess, isRunning, type ProcessIdentity } from '@host-deployer/driver-kit'

/**
 * Makes this process the one daemon of a state directory, which is created (0700) when it is missing; resolves with the way to let go. The lock of a daemon
 * that has died counts no more. `DAEMON_ALREADY_RUNNING`, `CONFIG_STATE_DIRECTORY`.
 */
export async function lockDaemon(stateDirectory: HostPath): Promise<() => Promise<void>> {
  const path = join(stateDirectory, 'daemon.lock')
  const own = `${path}.${process.pid}`
  try {
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 })
    await writeFile(own, JSON.stringify(await identifyProcess(process.pid)), { mode: 0o600 })
    while (!(await isFirst(own, path))) {
      const holder = await holderOf(path)
      if (holder !== undefined && (await isRunning(holder))) throw alreadyRunning(holder.pid, stateDirectory)
      await rm(path, { force: true })
    }
    return () => rm(path, { force: true })
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError('CONFIG_STATE_DIRECTORY', `${stateDirectory} cannot be the state directory: ${reason}`, {
      hint: 'Give it to the user of the daemon, or name another one.',
      context: { stateDirectory },
      cause: error,
    })
  } finally {
    await rm(own, { force: true }).catch(() => undefined)
  }
}

/** A link is there with all its content or not at all: nobody meets a lock without a holder. */
async function isFirst(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function holderOf(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}

const alreadyRunning = (pid: number, stateDirectory: HostPath): ConfigError =>
  new ConfigError('DAEMON_ALREADY_RUNNING', `Another daemon (process ${pid}) uses ${stateDirectory}`, {
    hint: 'Stop the other daemon first, or give this one a state directory of its own.',
    context: { pid, stateDirectory },
  })
