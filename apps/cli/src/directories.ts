import { lstatSync, mkdirSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, type HostPath, hostPath } from '@host-deployer/driver-api'

/** Where this user's files go (XDG Base Directory Specification). */
export interface Directories {
  /** Appliances, verdicts: can be rebuilt. */
  readonly cache: HostPath
  /** Leases: what a killed run left. */
  readonly state: HostPath
  /** Private, for the files of running sessions. */
  readonly work: HostPath
}

// By number: in a container the user often has no name.
const uid = process.getuid?.() ?? 0

/** `XDG_CACHE_HOME` and `XDG_STATE_HOME` when they are absolute, else the defaults below the home directory. Makes the work directory. */
export function directories(env: NodeJS.ProcessEnv): Directories {
  const absolute = (value: string | undefined, fallback: string) => (value?.startsWith('/') ? value : join(homedir(), fallback))
  const work = join(tmpdir(), `host-deployer-${uid}`)
  makePrivate(work)
  return {
    cache: hostPath(join(absolute(env['XDG_CACHE_HOME'], '.cache'), 'host-deployer')),
    state: hostPath(join(absolute(env['XDG_STATE_HOME'], '.local/state'), 'host-deployer')),
    work: hostPath(work),
  }
}

/** In a directory that everybody writes, somebody else may have been first: it must be ours, a real directory, and closed to others. */
function makePrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o711 })
  const stats = lstatSync(path)
  if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & 0o022) !== 0) {
    throw new ConfigError('CONFIG_WORK_DIRECTORY', `Somebody else made ${path}`, {
      hint: 'Remove it, or set TMPDIR to a directory of your own.',
      context: { path },
    })
  }
}
