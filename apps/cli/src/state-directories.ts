import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ConfigError, type HostPath, hostPath } from '@host-deployer/driver-api'
import { directories } from './directories.ts'

export interface StateFlags {
  /** Looked at in place of this user's own. */
  readonly stateDirectory?: string
}

export interface StateDirectories {
  /** What the command is about. */
  readonly chosen: HostPath
  /** Where a daemon of this machine keeps its leases, when that is another one and can be read. */
  readonly daemon?: HostPath
}

/**
 * Where the leases are that `doctor` and `reclaim` are about: `--state-directory`, else this user's own. The daemon's is where `HOST_DEPLOYER_STATE_DIRECTORY`
 * says, else the usual place; it is not looked for beside one that was named. `CONFIG_STATE_DIRECTORY`: the one that was named is not there, or closed to us.
 */
export async function stateDirectories({ stateDirectory }: StateFlags, env: NodeJS.ProcessEnv): Promise<StateDirectories> {
  if (stateDirectory !== undefined) {
    const chosen = hostPath(resolve(stateDirectory))
    const failure = await whyClosed(chosen)
    if (failure === undefined) return { chosen }
    throw new ConfigError('CONFIG_STATE_DIRECTORY', `The state directory ${chosen} cannot be read: ${failure.message}`, {
      hint: 'Give --state-directory the directory that the daemon was started with, as a user who may read it.',
      context: { path: chosen },
      cause: failure,
    })
  }
  const chosen = directories(env).state
  const daemon = hostPath(resolve(env['HOST_DEPLOYER_STATE_DIRECTORY'] ?? '/var/lib/host-deployer'))
  return daemon === chosen || (await whyClosed(daemon)) !== undefined ? { chosen } : { chosen, daemon }
}

async function whyClosed(directory: HostPath): Promise<Error | undefined> {
  try {
    // The slash: a file is no directory.
    await access(`${directory}/`, constants.R_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return error as Error
  }
}
