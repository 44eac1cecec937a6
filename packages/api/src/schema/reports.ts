import * as z from 'zod'
import type { DeployReport, ErrorReport, FormatReport, GrowReport, ProbeReport } from '../report.ts'
import { REPORT_SCHEMA_VERSION } from '../report.ts'

// Strict: a report with a key that is not written down here is a mistake the tests find. Readers should be tolerant, keys may be added.

const diagnostic = z
  .strictObject({
    severity: z.enum(['info', 'warning', 'error']),
    code: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
    summary: z.string(),
    detail: z.string().exactOptional(),
    path: z.string().exactOptional(),
  })
  .readonly()
  .meta({ id: 'Diagnostic' })

const diagnostics = z.array(diagnostic).readonly()
const sizeBytes = z.int().nonnegative()
const timings = z.record(z.string(), z.number().nonnegative()).readonly().meta({ description: 'Milliseconds by phase.' })

const image = z.strictObject({ path: z.string(), format: z.string(), virtualSizeBytes: sizeBytes }).readonly().meta({ id: 'Image' })

const os = z
  .strictObject({
    type: z.enum(['linux', 'unknown']),
    distro: z.string(),
    version: z.string(),
    major: z.int().nullable(),
    minor: z.int().nullable(),
    codename: z.string().nullable(),
    productName: z.string(),
    arch: z.string().nullable(),
    hostname: z.string().nullable(),
    initSystem: z.enum(['systemd', 'sysvinit', 'openrc', 'upstart', 'busybox', 'unknown']),
    packageFormat: z.enum(['deb', 'rpm', 'apk', 'pacman', 'portage', 'unknown']),
    packageManager: z.string().nullable(),
  })
  .readonly()

const filesystem = z
  .strictObject({
    device: z.string(),
    type: z.string(),
    label: z.string().nullable(),
    uuid: z.string().nullable(),
    sizeBytes,
    mountpoint: z.string().nullable(),
  })
  .readonly()

const storage = z
  .strictObject({
    partitionTable: z.enum(['gpt', 'mbr']).nullable(),
    rootDevice: z.string(),
    lvm: z.boolean(),
    filesystems: z.array(filesystem).readonly(),
  })
  .readonly()

const facts = {
  os,
  storage,
  firmware: z.strictObject({ bios: z.boolean(), uefi: z.boolean() }).readonly(),
  cloudInit: z.strictObject({ installed: z.boolean() }).readonly(),
}

const header = { schemaVersion: z.literal(REPORT_SCHEMA_VERSION), driver: z.string(), accelerator: z.string(), image }

const diffSide = z
  .strictObject({
    type: z.string(),
    mode: z.string().regex(/^[0-7]{4}$/),
    uid: z.int().nonnegative(),
    gid: z.int().nonnegative(),
    sizeBytes: sizeBytes.exactOptional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .exactOptional(),
    target: z.string().exactOptional(),
  })
  .readonly()
  .meta({ id: 'DiffSide' })

const diffEntry = z
  .strictObject({
    path: z.string(),
    kind: z.enum(['added', 'changed', 'removed']),
    before: diffSide.exactOptional(),
    after: diffSide.exactOptional(),
    sensitive: z.literal(true).exactOptional(),
    patch: z.string().exactOptional(),
  })
  .readonly()

const operation = z
  .strictObject({
    id: z.string(),
    outcome: z.enum(['changed', 'unchanged', 'staged-first-boot', 'skipped', 'failed']),
    diagnostics,
  })
  .readonly()

const grown = z.array(z.strictObject({ kind: z.string(), device: z.string(), sizeBytes: sizeBytes.nullable() }).readonly()).readonly()

/** What `probe --json` prints. */
export const probeReport = z
  .strictObject({ ...header, ...facts, diagnostics, timings })
  .readonly()
  .meta({ title: 'host-deployer: report of a probe' })

/** What `deploy --json` prints. */
export const deployReport = z
  .strictObject({
    ...header,
    facts: z.strictObject(facts).readonly(),
    dryRun: z.boolean(),
    changed: z.boolean(),
    cloudInit: z.strictObject({ installed: z.boolean(), mode: z.enum(['keep', 'disable', 'delegate']) }).readonly(),
    diff: z.array(diffEntry).readonly(),
    operations: z.array(operation).readonly(),
    grown,
    loginAccount: z.string().nullable(),
    generated: z.strictObject({ passwords: z.record(z.string(), z.string()).readonly() }).readonly(),
    diagnostics,
    timings,
  })
  .readonly()
  .meta({ title: 'host-deployer: report of a deploy' })

/** What `format --json` prints. */
export const formatReport = z
  .strictObject({ ...header, filesystem, diagnostics, timings })
  .readonly()
  .meta({ title: 'host-deployer: report of a format' })

/** What `grow --json` prints. */
export const growReport = z
  .strictObject({ ...header, changed: z.boolean(), steps: grown, diagnostics, timings })
  .readonly()
  .meta({ title: 'host-deployer: report of a grow' })

/** What a failing command prints with `--json`. */
export const errorReport = z
  .strictObject({
    error: z
      .strictObject({
        code: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
        message: z.string(),
        hint: z.string().nullable(),
        phase: z.string().nullable(),
        context: z.record(z.string(), z.unknown()).readonly().exactOptional(),
        diagnostics: diagnostics.exactOptional(),
      })
      .readonly(),
  })
  .readonly()
  .meta({ title: 'host-deployer: report of an error' })

// The interfaces in report.ts and these schemas say the same: each is assignable to the other.
type Same<A, B> = [A, B] extends [B, A] ? true : never
true satisfies Same<ProbeReport, z.output<typeof probeReport>>
true satisfies Same<DeployReport, z.output<typeof deployReport>>
true satisfies Same<FormatReport, z.output<typeof formatReport>>
true satisfies Same<GrowReport, z.output<typeof growReport>>
true satisfies Same<ErrorReport, z.output<typeof errorReport>>
