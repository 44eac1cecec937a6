import type { DeployReport, DeployRequest, FormatReport, FormatRequest, GrowReport, ProbeReport } from '@host-deployer/api'
import type { ImageFormat } from '@host-deployer/driver-api'

/** The disk a job is about, as the client names it: a file below an allowed root, or a block device. */
export interface JobImage {
  readonly path: string
  /** Absent: detected from the header. */
  readonly format?: ImageFormat
}

/** One piece of work, independent of the way it was asked for. Sealing a template is a deploy whose request says `seal`. */
export type Job =
  | { readonly kind: 'deploy'; readonly image: JobImage; readonly request: DeployRequest }
  | { readonly kind: 'probe'; readonly image: JobImage }
  | { readonly kind: 'grow'; readonly image: JobImage }
  | { readonly kind: 'format'; readonly image: JobImage; readonly request: FormatRequest }

export interface JobReports {
  readonly deploy: DeployReport
  readonly probe: ProbeReport
  readonly grow: GrowReport
  readonly format: FormatReport
}
