import type { Diagnostic, HostPath, Phase, Preparation, Probe, Retry } from '@host-deployer/driver-api'
import type { JobReports } from './job.ts'

// What the daemon and a worker process say to each other, over Node's own channel with structured clones.

/** All that a worker has to know before its task, so that it can load the driver ahead. */
export interface WorkerSetup {
  readonly driver: string
  readonly driverOptions: Readonly<Record<string, unknown>>
  /** Directories whose `node_modules` are searched for the driver. */
  readonly driverFrom: readonly [string, ...string[]]
  readonly workDirectory: HostPath
  readonly cacheDirectory: HostPath
  readonly stateDirectory: HostPath
  readonly imageRoots: readonly HostPath[]
}

/** What a worker does, once: a job (packed by `packSecrets`), or something about the driver that no job is. Whatever it is, the driver is loaded first. */
export type Task =
  | { readonly kind: 'job'; readonly job: unknown }
  | { readonly kind: 'load-driver' }
  | { readonly kind: 'probe-driver' }
  | { readonly kind: 'prepare-driver'; readonly purpose: PreparationPurpose }

/**
 * `jobs`: for those of this daemon, kept in memory for as long as it runs where that is better. `next-daemon`: what its successor finds, so that its first jobs
 * need not wait.
 */
export type PreparationPurpose = 'jobs' | 'next-daemon'

/** A driver that could be loaded, with options that it takes. */
export interface DriverLoaded {
  readonly driver: string
}

/** An error as it travels: a class instance would lose its prototype. */
export interface PackedError {
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
  readonly retry: Retry
  readonly phase: Phase | undefined
  readonly context: Readonly<Record<string, unknown>>
  readonly diagnostics: readonly Diagnostic[]
  /** Messages of what could not be cleaned up. */
  readonly cleanup: readonly string[]
}

export type ToWorker =
  | { readonly type: 'setup'; readonly setup: WorkerSetup }
  | { readonly type: 'task'; readonly task: Task }
  | { readonly type: 'abort' }

export type LogLevel = 'debug' | 'info' | 'warn'

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'phase'; readonly phase: Phase; readonly state: 'started' | 'done' | 'failed'; readonly ms: number }
  | { readonly type: 'log'; readonly level: LogLevel; readonly event: string; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly type: 'result'; readonly result: TaskResult }
  | { readonly type: 'error'; readonly error: PackedError }

export type TaskResult = JobReports[keyof JobReports] | DriverLoaded | Probe | Preparation
