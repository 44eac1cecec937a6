import type { DeployReport, DeployRequest, DiffReportEntry, DiffSide, Facts, ImageInfo, OperationReport } from '@host-deployer/api'
import type { GrowPlan, GuestStorage } from '@host-deployer/block'
import type { Diagnostic, SessionInfo } from '@host-deployer/driver-api'
import { type DiffEntry, type NodeState, renderPatch, type TreeDiff } from '@host-deployer/guest-fs'
import type { GuestFacts } from '@host-deployer/os-detect'
import { grownReport } from './grown-report.ts'
import type { ImageSource } from './image-source.ts'
import { prefixed } from './probe.ts'
import { reportVersion } from './report-version.ts'

export interface DeployOutcome {
  readonly driver: string
  readonly image: ImageSource
  readonly request: DeployRequest
  readonly dryRun: boolean
  readonly facts: GuestFacts
  readonly storage: GuestStorage
  readonly session: { readonly info: SessionInfo }
  readonly reports: readonly OperationReport[]
  readonly passwords: Readonly<Record<string, string>>
  readonly loginAccount: string | null
  readonly diff: TreeDiff
  readonly growth: GrowPlan
  readonly diagnostics: readonly Diagnostic[]
  readonly timings: Readonly<Record<string, number>>
}

/** Pure: what happened, as the JSON document that `--json` prints. */
export function buildDeployReport(outcome: DeployOutcome): DeployReport {
  const { facts, growth, request } = outcome
  const operations = [...outcome.reports, ...growReport(growth, request)]
  return {
    schemaVersion: reportVersion,
    driver: outcome.driver,
    accelerator: outcome.session.info.accelerator,
    image: imageOf(outcome.image),
    facts: factsOf(facts, outcome.storage),
    dryRun: outcome.dryRun,
    changed: outcome.diff.length > 0 || growth.steps.length > 0,
    cloudInit: { installed: facts.cloudInit.installed, mode: request.cloud_init },
    diff: outcome.diff.map(diffEntry),
    operations,
    grown: growth.steps.map(grownReport),
    loginAccount: outcome.loginAccount,
    generated: { passwords: outcome.passwords },
    diagnostics: [...outcome.diagnostics, ...operations.flatMap(({ diagnostics }) => diagnostics)],
    timings: { ...prefixed('open', outcome.session.info.timings), ...outcome.timings },
  }
}

function growReport({ steps, diagnostics }: GrowPlan, request: DeployRequest): OperationReport[] {
  if (request.growpart === undefined && request.resize_rootfs === undefined) return []
  return [{ id: 'grow', outcome: steps.length > 0 ? 'changed' : 'unchanged', diagnostics }]
}

export function imageOf({ path, format, virtualSizeBytes }: ImageSource): ImageInfo {
  return { path, format, virtualSizeBytes }
}

export function factsOf(facts: GuestFacts, storage: GuestStorage): Facts {
  return {
    os: {
      type: facts.id === 'unknown' ? 'unknown' : 'linux',
      distro: facts.id,
      version: facts.version,
      major: facts.major,
      minor: facts.minor,
      codename: facts.codename,
      productName: facts.productName,
      arch: facts.arch,
      hostname: facts.hostname,
      initSystem: facts.initSystem,
      packageFormat: facts.packageFormat,
      packageManager: facts.packageManager,
    },
    storage,
    firmware: facts.firmware,
    cloudInit: { installed: facts.cloudInit.installed },
  }
}

function diffEntry(entry: DiffEntry): DiffReportEntry {
  const { path, kind, before, after, sensitive } = entry
  const patch = sensitive ? undefined : renderPatch(entry)
  return {
    path,
    kind,
    ...(before === undefined ? {} : { before: side(before, sensitive) }),
    ...(after === undefined ? {} : { after: side(after, sensitive) }),
    ...(sensitive ? { sensitive: true as const } : {}),
    ...(patch === undefined ? {} : { patch }),
  }
}

function side(state: NodeState, sensitive: boolean): DiffSide {
  const { type, mode, uid, gid, sizeBytes, sha256, target } = state
  return {
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(sha256 === undefined || sensitive ? {} : { sha256 }),
    ...(target === undefined ? {} : { target }),
  }
}
