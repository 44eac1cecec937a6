export type { DaemonConfig } from './config/daemon-config.ts'
export type { Job, JobImage, JobReports } from './work/job.ts'
export type { FailureSnapshot, JobSnapshot, SubmitOptions, Work, WorkEvent, WorkSnapshot } from './work/work.ts'
