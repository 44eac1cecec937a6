import type { ProbeFinding } from '@host-deployer/driver-api'
import type { WorkSnapshot } from '../work/work.ts'
import type { FailedCall } from './failed-calls.ts'
import type { Condition, ConditionState } from './health.ts'
import type { TemplateState } from './template.ts'

/** What `GET /status` answers and `host-deployer status --json` prints. Nothing in it is secret. */
export interface StatusDocument {
  readonly schemaVersion: 1
  readonly version: string
  readonly pid: number
  /** RFC 3339. */
  readonly startedAt: string
  readonly uptimeMs: number
  readonly alive: boolean
  /** Why it is not alive. */
  readonly faults: readonly string[]
  readonly ready: boolean
  readonly conditions: Readonly<Record<Condition, ConditionState>>
  readonly config: ConfigSummary
  readonly driver: {
    readonly name: string
    /** Null before the first probe, as `findings` is empty then. */
    readonly usable: boolean | null
    readonly findings: readonly ProbeFinding[]
    /** Null for a driver without templates. */
    readonly template: TemplateState | null
  }
  /** What an operator should know about how this daemon was set up: `image_deploy_driver: nbd` declares images to be trusted. */
  readonly warnings: readonly string[]
  readonly work: WorkSnapshot
  /** The last twenty calls that failed and are not among the failed jobs, newest first: what was refused before there was a job, above all. */
  readonly failedCalls: readonly FailedCall[]
}

/** The settings that are shown; the driver's own are not, since they may hold a password (a stock appliance's). */
export interface ConfigSummary {
  readonly socketPath: string
  readonly adminSocketPath: string
  readonly concurrency: number
  readonly queueLimit: number
  readonly imageRoots: readonly string[]
  readonly workDirectory: string
  readonly stateDirectory: string
  readonly cacheDirectory: string
  readonly jobTimeoutMs: number
  readonly drainTimeoutMs: number
  readonly logLevel: string
  readonly allowVmSelinux: boolean
}
