import { lstat, mkdir } from 'node:fs/promises'
import { ConfigError, type HostPath } from '@host-deployer/driver-api'

/**
 * Makes the directory for the files of running sessions, or checks the one that is there: a real directory of ours that nobody else writes. Others may pass
 * through: a VM runs under a user id of its own. `CONFIG_WORK_DIRECTORY`.
 */
export async function makeWorkDirectory(path: HostPath): Promise<void> {
  const refuse = (reason: string, cause?: unknown): ConfigError =>
    new ConfigError('CONFIG_WORK_DIRECTORY', `${path} cannot be the work directory: ${reason}`, {
      hint: 'Give it to the user of the daemon and close it to the writing of others, or name another one.',
      context: { path },
      cause,
    })
  try {
    await mkdir(path, { recursive: true, mode: 0o711 })
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error), error)
  }
  const stats = await lstat(path)
  if (!stats.isDirectory()) throw refuse('it is no directory')
  if (stats.uid !== process.geteuid?.()) throw refuse(`it belongs to user ${stats.uid}`)
  if ((stats.mode & 0o022) !== 0) throw refuse('others may write to it')
}
