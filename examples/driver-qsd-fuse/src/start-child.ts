import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CleanupError, type LeaseJournal } from '@host-deployer/driver-api'
import { identifyProcess, type ResourceStack } from '@host-deployer/driver-kit'

const STOP_TIMEOUT_MS = 60_000
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface Child {
  readonly pid: number
}

/**
 * Starts a program that says something on standard output once it is ready. The stack ends it, and complains when it had ended by itself or had to be
 * killed. It does not outlive this process. Rejects with its standard error when it ends instead of getting ready.
 */
export async function startChild(argv: readonly [string, ...string[]], leases: LeaseJournal, stack: ResourceStack): Promise<Child> {
  // Standard input is a pipe that closes with this process; for programs that do not read it there is the signal.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...argv], { stdio: 'pipe', env: { PATH, LC_ALL: 'C' } })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const ended = once(child, 'close').then(() => {
    throw new Error(errors.trim())
  })
  ended.catch(() => {})
  await Promise.race([once(child.stdout, 'data'), ended])
  child.stdout.resume()
  stack.defer(argv.join(' '), async () => {
    const wasRunning = child.exitCode === null && child.signalCode === null
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended.catch(() => {})
    clearTimeout(timer)
    if (!wasRunning || child.signalCode === 'SIGKILL')
      throw new CleanupError('CLEANUP_FLUSH_FAILED', `${argv.join(' ')} was killed: ${errors.trim()}`)
  })
  const identity = await identifyProcess(child.pid ?? 0)
  if (identity === undefined) throw new Error(errors.trim())
  stack.defer(`lease of ${identity.pid}`, await leases.record({ kind: 'process', details: { ...identity } }))
  return { pid: identity.pid }
}
