import type { Diagnostic, Logger } from '@host-deployer/driver-api'
import { DeployError } from '@host-deployer/driver-api'
import type { DaemonConfig } from '../config/daemon-config.ts'
import type { Job, JobReports } from '../work/job.ts'

/** What an rpc's code is handed for one call. */
export interface Rpc {
  readonly config: DaemonConfig
  /** With the connection and the rpc's name in every line. */
  readonly logger: Logger
  /** Runs a job for this call, with its deadline and its cancellation. */
  run<Kind extends Job['kind']>(job: Extract<Job, { kind: Kind }>): Promise<JobReports[Kind]>
  /** Says that a first deploy found no operating system and was answered with success all the same, as clients expect of empty disks. */
  countDeployWithoutSystem(): void
}

/** An rpc: takes its params, answers, or throws `DeployError`. */
export type Handler<Params, Answer> = (params: Params, rpc: Rpc) => Promise<Answer>

/** Nobody but the log hears of what was left out. Values of the request are not in there. */
export function logFindings({ logger }: Rpc, findings: readonly Diagnostic[]): void {
  for (const { severity, code, summary, path } of findings) {
    const fields = { code, summary, ...(path !== undefined && { path }) }
    if (severity === 'info') logger.info('rpc.finding', fields)
    else logger.warn('rpc.finding', fields)
  }
}

/** The disk holds no operating system, as far as anybody can tell. */
export const hasNoSystem = (error: unknown): boolean =>
  DeployError.isInstance(error) && (error.code === 'BLOCK_NO_ROOT' || error.code === 'BLOCK_ROOT_NOT_FOUND')
