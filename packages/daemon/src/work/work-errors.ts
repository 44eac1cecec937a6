import { AbortError, DeployError, DriverError, TimeoutError } from '@host-deployer/driver-api'
import type { WorkerExit } from './worker-process.ts'

/** `DAEMON_QUEUE_FULL` */
export const queueFull = (limit: number): DeployError =>
  new DeployError('DAEMON_QUEUE_FULL', `${limit} jobs are waiting already`, {
    hint: 'Try again later; `host-deployer status` shows what holds up the others. The configuration sets the limit: queueLimit.',
    retry: 'may-help',
    context: { limit },
  })

/** `DAEMON_QUEUE_FULL`, too: not of jobs, of what their requests hold. */
export const queueFullOfBytes = (limitBytes: number): DeployError =>
  new DeployError('DAEMON_QUEUE_FULL', `The requests of the jobs that run and wait have almost ${limitBytes / 1024 ** 2} MiB already`, {
    hint: 'Try again later, or with less content in each request; `host-deployer status` shows what holds up the others.',
    retry: 'may-help',
    context: { limitBytes },
  })

/** `DAEMON_STOPPING` */
export const stopping = (): DeployError =>
  new DeployError('DAEMON_STOPPING', 'The daemon is being stopped', {
    hint: 'Try again when it has been started again.',
    retry: 'may-help',
  })

/** `TIMEOUT_JOB`; where it was in which state says the context. */
export const tooLate = (limitMs: number): DeployError =>
  new TimeoutError('TIMEOUT_JOB', `The job was not done within ${Math.round(limitMs / 100) / 10} s, waiting included`, {
    hint: 'Give it longer: the deadline of the call, and jobTimeoutMs of the configuration. `host-deployer status` shows what takes its time.',
    retry: 'may-help',
    context: { limitMs: Math.round(limitMs) },
  })

/** `ABORTED` */
export const cancelled = (): DeployError =>
  new AbortError('ABORTED', 'The client has cancelled the job', { hint: 'Nothing was left behind; ask again when ready.' })

/** `DAEMON_WORKER_LOST` */
export function workerLost({ exitCode, signal }: Pick<WorkerExit, 'exitCode' | 'signal'>): DeployError {
  const how = signal === null ? `with exit code ${exitCode}` : `by ${signal}`
  return new DriverError('DAEMON_WORKER_LOST', `The process of the job has ended ${how}`, {
    hint: "Ask again: what it held has been freed, and every file of the image is old or new. The daemon's log has the last words of the process.",
    retry: 'may-help',
    context: { exitCode, signal },
  })
}

/**
 * What a cancelled job ended with: the reason of the cancellation, and how far it had come. What the job itself said about being cancelled is only its
 * cause.
 */
export function endedBy(reason: DeployError, cause: DeployError | undefined): DeployError {
  if (cause === undefined) return reason
  const error = cause.context['committed'] === true ? committed(reason, cause.hint) : reason
  error.phase ??= cause.phase
  error.diagnostics.push(...cause.diagnostics)
  if (cause.code !== 'ABORTED') error.cleanupErrors.push(cause)
  error.cleanupErrors.push(...cause.cleanupErrors)
  return error
}

/** The job was cancelled when its changes were in the image already: that nothing was left behind would be wrong then. */
function committed({ code, message, retry, context, phase }: DeployError, hint: string | undefined): DeployError {
  const options = { ...(hint !== undefined && { hint }), retry, context: { ...context, committed: true } }
  const error = code === 'ABORTED' ? new AbortError(code, message, options) : new TimeoutError(code, message, options)
  error.phase = phase
  return error
}
