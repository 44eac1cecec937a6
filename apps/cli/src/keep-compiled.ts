import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps compiled code between runs, below this user's cache directory (XDG Base Directory Specification); Node makes the directory and does without when
 * it cannot. Never in a place that others may write, as Node's default is: what lies there is run.
 */
export function keepCompiled(env: NodeJS.ProcessEnv): void {
  try {
    const cache = env['XDG_CACHE_HOME']?.startsWith('/') ? env['XDG_CACHE_HOME'] : join(homedir(), '.cache')
    enableCompileCache(join(cache, 'host-deployer', 'compiled'))
  } catch {
    // A user id without an account has no home directory.
  }
}
