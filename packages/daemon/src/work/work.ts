import type { Diagnostic } from '@host-deployer/driver-api'
import type { Job, JobReports } from './job.ts'

export interface SubmitOptions {
  /** Who asks, for fairness: jobs of different clients take turns. The server makes it of the connection. */
  readonly client: string
  /** Cancels the job in every phase, also while it waits. */
  readonly signal?: AbortSignal
  /** Monotonic milliseconds (`performance.now`) at which the client stops waiting; the configuration's own limit applies besides. */
  readonly deadlineMs?: number
  /** Shown in logs and status beside the job's own id; never a secret: the rpc's name. */
  readonly label: string
  /** Of the request as it arrived: what it takes of the queue's memory. Default 0. */
  readonly weightBytes?: number
  /** Hears the job's id as soon as it has one: before it waits. */
  readonly onQueued?: (id: string) => void
}

/** A job as `status` shows it. */
export interface JobSnapshot {
  readonly id: string
  readonly kind: Job['kind']
  readonly label: string
  readonly client: string
  readonly image: string
  readonly state: 'waiting' | 'running' | 'cancelling'
  /** The phase it is in, of `Phase` of driver-api; null while it waits. */
  readonly phase: string | null
  readonly waitedMs: number
  readonly runningMs: number
}

export interface FailureSnapshot {
  readonly id: string
  readonly kind: Job['kind']
  readonly label: string
  readonly image: string
  readonly code: string
  readonly phase: string | null
  readonly message: string
  readonly hint: string | null
  /** RFC 3339. */
  readonly at: string
}

export interface WorkSnapshot {
  readonly accepting: boolean
  readonly slots: { readonly total: number; readonly busy: number; readonly quarantined: number }
  readonly jobs: readonly JobSnapshot[]
  /** The last twenty, newest first. */
  readonly failures: readonly FailureSnapshot[]
  readonly workers: { readonly spare: number; readonly running: number }
  /** What reclaim could not free. */
  readonly residue: readonly Diagnostic[]
}

/** What happens, for logs and metrics. `id` is the job's. Nothing in it is secret. */
export type WorkEvent =
  | {
      readonly type: 'queued'
      readonly id: string
      readonly kind: Job['kind']
      readonly label: string
      readonly client: string
      readonly image: string
    }
  /** One that was not taken: the queue is full, the daemon is stopping. It has no id. */
  | { readonly type: 'refused'; readonly kind: Job['kind']; readonly label: string; readonly client: string; readonly code: string }
  | { readonly type: 'started'; readonly id: string; readonly kind: Job['kind']; readonly waitedMs: number }
  | { readonly type: 'phase'; readonly id: string; readonly kind: Job['kind']; readonly phase: string; readonly ms: number }
  | {
      readonly type: 'log'
      readonly id: string
      readonly level: 'debug' | 'info' | 'warn'
      readonly event: string
      readonly fields: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'done'
      readonly id: string
      readonly kind: Job['kind']
      readonly ms: number
      readonly diagnostics: readonly Diagnostic[]
    }
  | {
      readonly type: 'failed'
      readonly id: string
      readonly kind: Job['kind']
      readonly ms: number
      readonly code: string
      readonly phase: string | null
      readonly message: string
      readonly hint: string | null
    }
  | { readonly type: 'worker-lost'; readonly id: string; readonly exitCode: number | null; readonly signal: string | null }
  | { readonly type: 'reclaimed'; readonly findings: readonly Diagnostic[] }

/** The jobs of one daemon: a bounded queue, slots, worker processes. */
export interface Work {
  /**
   * Runs a job when its turn comes. Rejects with `DeployError`: what the job failed with, or `DAEMON_QUEUE_FULL`, `DAEMON_STOPPING`, `TIMEOUT_*`,
   * `ABORTED`, `DAEMON_WORKER_LOST` (its process ended; what it held has been freed).
   */
  submit<Kind extends Job['kind']>(job: Extract<Job, { kind: Kind }>, options: SubmitOptions): Promise<JobReports[Kind]>
  snapshot(): WorkSnapshot
  /** Listens until the returned function is called. */
  on(listener: (event: WorkEvent) => void): () => void
  /**
   * Takes no more jobs, lets those it has, waiting ones included, end within the limit, cancels the rest (`DAEMON_STOPPING`); resolves when nothing runs.
   * May be called again with a shorter limit: 0 cancels at once.
   */
  drain(limitMs: number): Promise<void>
}
