import type { DeployError, Phase } from '@host-deployer/driver-api'
import type { Waiting } from './fair-queue.ts'
import type { Job } from './job.ts'
import type { TaskResult } from './messages.ts'
import type { FailureSnapshot, JobSnapshot } from './work.ts'

/** A job from its submission to its end. */
export interface JobRecord extends Waiting {
  readonly job: Job
  readonly label: string
  readonly submittedMs: number
  readonly weightBytes: number
  /** When its client or the configuration gives it up. */
  readonly deadlineMs: number
  /** Aborted with the reason, a `DeployError`: by the client, the deadline, the end of the daemon. */
  readonly cancel: AbortController
  readonly settled: PromiseWithResolvers<TaskResult>
  /** Empty until it is known. */
  image: string
  /** Infinity until the image is known. */
  notBeforeMs: number
  /** Of its first turn; it may have several when somebody else holds the image. */
  startedMs: number | undefined
  /** Turns that ended with `IMAGE_LOCKED`, and the last such error. */
  locked: { readonly times: number; readonly error: DeployError } | undefined
  isRunning: boolean
  phase: Phase | null
}

export function snapshotOf(record: JobRecord, nowMs: number): JobSnapshot {
  const { id, job, label, client, submittedMs, startedMs, isRunning, phase, cancel } = record
  return {
    id,
    kind: job.kind,
    label,
    client,
    image: job.image.path,
    state: isRunning ? (cancel.signal.aborted ? 'cancelling' : 'running') : 'waiting',
    phase,
    waitedMs: Math.round((startedMs ?? nowMs) - submittedMs),
    runningMs: startedMs === undefined ? 0 : Math.round(nowMs - startedMs),
  }
}

export function failureOf({ id, job, label }: JobRecord, error: DeployError, at: Date): FailureSnapshot {
  const { code, phase, message, hint } = error
  return {
    id,
    kind: job.kind,
    label,
    image: job.image.path,
    code,
    phase: phase ?? null,
    message,
    hint: hint ?? null,
    at: at.toISOString(),
  }
}
