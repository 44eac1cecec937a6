import type { Diagnostic } from '@host-deployer/driver-api'

/** Version of the JSON documents below. Additions keep it; anything that could break a reader raises it. */
export const REPORT_SCHEMA_VERSION = 1

export interface ImageInfo {
  /** As given, made absolute. */
  readonly path: string
  readonly format: string
  readonly virtualSizeBytes: number
}

export interface OsInfo {
  readonly type: 'linux' | 'unknown'
  /** `debian`, `ubuntu`: the `ID` of os-release(5). */
  readonly distro: string
  readonly version: string
  readonly major: number | null
  readonly minor: number | null
  readonly codename: string | null
  readonly productName: string
  /** `x86_64`, `aarch64`, `i686`, `riscv64`, … as `uname -m` in the guest would say. */
  readonly arch: string | null
  readonly hostname: string | null
  readonly initSystem: 'systemd' | 'sysvinit' | 'openrc' | 'upstart' | 'busybox' | 'unknown'
  readonly packageFormat: 'deb' | 'rpm' | 'apk' | 'pacman' | 'portage' | 'unknown'
  readonly packageManager: string | null
}

export interface FilesystemInfo {
  readonly device: string
  readonly type: string
  readonly label: string | null
  readonly uuid: string | null
  readonly sizeBytes: number
  /** Where the guest mounts it, from its fstab; null when it does not. */
  readonly mountpoint: string | null
}

export interface StorageInfo {
  readonly partitionTable: 'gpt' | 'mbr' | null
  readonly rootDevice: string
  readonly lvm: boolean
  readonly filesystems: readonly FilesystemInfo[]
}

/** What `probe` found out, and what a deploy bases its decisions on. */
export interface Facts {
  readonly os: OsInfo
  readonly storage: StorageInfo
  readonly firmware: { readonly bios: boolean; readonly uefi: boolean }
  readonly cloudInit: { readonly installed: boolean }
}

export interface ProbeReport extends Facts {
  readonly schemaVersion: typeof REPORT_SCHEMA_VERSION
  readonly driver: string
  readonly accelerator: string
  readonly image: ImageInfo
  readonly diagnostics: readonly Diagnostic[]
  /** Milliseconds by phase. */
  readonly timings: Readonly<Record<string, number>>
}

export type OperationOutcome = 'changed' | 'unchanged' | 'staged-first-boot' | 'skipped' | 'failed'

export interface OperationReport {
  readonly id: string
  readonly outcome: OperationOutcome
  readonly diagnostics: readonly Diagnostic[]
}

export interface DiffSide {
  readonly type: string
  /** Octal, four digits: `"0644"`. */
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly sizeBytes?: number
  /** Absent for sensitive content: a digest of a short secret can be guessed. */
  readonly sha256?: string
  readonly target?: string
}

export interface DiffReportEntry {
  readonly path: string
  readonly kind: 'added' | 'changed' | 'removed'
  readonly before?: DiffSide
  readonly after?: DiffSide
  readonly sensitive?: true
  /** Unified diff of the content when it is text and not sensitive. */
  readonly patch?: string
}

export interface DeployReport {
  readonly schemaVersion: typeof REPORT_SCHEMA_VERSION
  readonly driver: string
  readonly accelerator: string
  readonly image: ImageInfo
  readonly facts: Facts
  readonly dryRun: boolean
  readonly changed: boolean
  readonly cloudInit: { readonly installed: boolean; readonly mode: 'keep' | 'disable' | 'delegate' }
  readonly diff: readonly DiffReportEntry[]
  readonly operations: readonly OperationReport[]
  /** What grew, in this order; of a dry run what would. */
  readonly grown: readonly GrownReport[]
  /** The account that `login_account` was about; null when the request had none. */
  readonly loginAccount: string | null
  /** Passwords made by us, shown here and nowhere else. */
  readonly generated: { readonly passwords: Readonly<Record<string, string>> }
  readonly diagnostics: readonly Diagnostic[]
  readonly timings: Readonly<Record<string, number>>
}

/** One thing that has become larger. */
export interface GrownReport {
  /** `partition`, `physical-volume`, `logical-volume`, `filesystem`, `swap`, … */
  readonly kind: string
  readonly device: string
  /** Its new size; null where only the tool that did it knows. */
  readonly sizeBytes: number | null
}

/** What `grow` did; the second time nothing. */
export interface GrowReport {
  readonly schemaVersion: typeof REPORT_SCHEMA_VERSION
  readonly driver: string
  readonly accelerator: string
  readonly image: ImageInfo
  readonly changed: boolean
  /** In the order they were done: what grew, and to which size. */
  readonly steps: readonly GrownReport[]
  readonly diagnostics: readonly Diagnostic[]
  readonly timings: Readonly<Record<string, number>>
}

/** What `format` made. */
export interface FormatReport {
  readonly schemaVersion: typeof REPORT_SCHEMA_VERSION
  readonly driver: string
  readonly accelerator: string
  readonly image: ImageInfo
  readonly filesystem: FilesystemInfo
  readonly diagnostics: readonly Diagnostic[]
  readonly timings: Readonly<Record<string, number>>
}

export interface ErrorReport {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint: string | null
    readonly phase: string | null
    readonly context?: Readonly<Record<string, unknown>>
    readonly diagnostics?: readonly Diagnostic[]
  }
}
