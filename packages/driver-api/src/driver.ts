import type { Diagnostic } from './diagnostic.ts'
import type { HostPath, ToolPath } from './paths.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'
import type { GuestExec, ToolHost } from './tool-host.ts'

/** Formats a driver may be asked to open. Callers detect or are told; a driver never guesses. */
export type ImageFormat = 'raw' | 'qcow2'

/**
 * `read-write`: changes reach the image. `read-only`: the device refuses writes.
 * `scratch`: writes succeed and are thrown away at close, the image stays byte for byte as it was (a journal can be replayed that way).
 */
export type DiskAccess = 'read-write' | 'read-only' | 'scratch'

/** One file of an image's chain, checked against the path policy by the caller. */
export interface ImageFile {
  /** Where the file is, symlinks resolved. A regular file or a block device. */
  readonly path: HostPath
  readonly format: ImageFormat
}

export interface DiskRequest {
  /** Names the disk within the request: 1 to 20 characters of `[a-z0-9-]`, unique. It becomes the serial number where a driver can set one. */
  readonly id: string
  /** The image first, then its backing file, that one's backing file, and so on. Only the first is ever written. */
  readonly chain: readonly [ImageFile, ...ImageFile[]]
  readonly access: DiskAccess
}

export interface OpenRequest {
  readonly disks: readonly [DiskRequest, ...DiskRequest[]]
}

export interface AttachedDisk {
  readonly id: string
  /** The whole-disk device node on the tool host: `/dev/sda`, `/dev/nbd3`. */
  readonly device: ToolPath
  readonly sizeBytes: number
  readonly readOnly: boolean
}

/** What a session can do, decided after probing. Each is read by shipping code and gates a conformance test. */
export interface Capabilities {
  /** The kernel that mounts is not the host's: hostile file systems, equal LVM and XFS UUIDs are harmless. */
  readonly isolated: boolean
  /** `RawFs.getXattrs` and `setXattr` work on file systems that have them. */
  readonly xattrs: boolean
  /** {@link DriverSession.guestExec} is there. */
  readonly guestExec: boolean
  /** Device nodes of partitions appear by themselves (`/dev/sda1`); where not, `block` maps them by offset. */
  readonly partitionNodes: boolean
  /** Logical volumes of the session's disks, and only those, can be activated. */
  readonly lvm: boolean
}

export interface Logger {
  debug(event: string, fields?: Readonly<Record<string, unknown>>): void
  info(event: string, fields?: Readonly<Record<string, unknown>>): void
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void
}

/** A host resource a session holds, written down before it is acquired. */
export interface Lease {
  readonly kind: 'process' | 'directory' | 'file' | 'mount' | 'nbd-device' | 'loop-device' | 'socket'
  /** What `reclaim` needs to find it again and to be sure that it is ours: a pid with its start time, a path, a device. */
  readonly details: Readonly<Record<string, string | number>>
}

/** An entry of the journal. Called after release, it strikes the entry out. */
export interface HeldLease {
  (): Promise<void>
  /**
   * Says that the release has failed and why: a later reclaim tries again although this process still runs. Absent in a journal that knows no such
   * thing: the entry then waits for the end of this process.
   */
  quarantine?(reason: string): Promise<void>
}

/** Where sessions write their leases; the next start frees what a killed process left. */
export interface LeaseJournal {
  /** Records the intent to acquire. Resolves once it would survive this process. */
  record(lease: Lease): Promise<HeldLease>
}

/** Everything ambient. Drivers have no globals and read no environment. */
export interface DriverContext<Options> {
  readonly options: Options
  /** A private directory (0700) for this driver, existing. Sessions make their own below it and remove it. */
  readonly workDirectory: HostPath
  /** Where built or installed artefacts are found (the appliance, templates). May not exist yet. */
  readonly cacheDirectory: HostPath
  readonly logger: Logger
  readonly leases: LeaseJournal
  /** Cancels the call in every phase; what was acquired is released before the call rejects with `ABORTED`. */
  readonly signal?: AbortSignal
  /** Collect console log and traces, for {@link DriverSession.keep}; an `open` that fails keeps them itself and says where in the error's context (`kept`). */
  readonly keepOnFailure?: boolean
}

/** One thing that is needed, as found. */
export interface ProbeFinding {
  /** Short and stable: `qemu`, `kvm`, `appliance`. */
  readonly subject: string
  readonly ok: boolean
  /** What was found: a version, a path, the reason it does not work. */
  readonly detail: string
  /** How to make it work, a command where there is one. */
  readonly remedy?: string
  /** The Debian package that provides what is missing or wrong, where installing one is the remedy. */
  readonly debianPackage?: string
  /** The same as {@link detail} for programs. Names are the driver's, with their unit where they have one: `{ sizeBytes: 1, ageMs: 2 }`. */
  readonly data?: Readonly<Record<string, string | number | boolean>>
}

/** Can this driver work here, now? "No" is a value with reasons. */
export interface Probe {
  readonly usable: boolean
  readonly findings: readonly ProbeFinding[]
  /** What sessions opened here and now with these options would be able to do. Absent: only an open session can tell. */
  readonly capabilities?: Capabilities
}

/** What {@link Driver.prepare} has come to. */
export interface Preparation {
  /** `made` now; `found` as it has to be; `nothing`: with these options sessions need nothing made ahead. */
  readonly outcome: 'made' | 'found' | 'nothing'
  /** What it is, or why it is nothing; for people. */
  readonly detail: string
  /** Absent when the outcome is `nothing`. */
  readonly artefact?: { readonly path: HostPath; readonly sizeBytes: number }
  /** The process until whose end it is kept in memory, as asked for with {@link PrepareOptions.keepFor}. Absent: it is not, {@link detail} says why. */
  readonly keptFor?: number
}

export interface PrepareOptions {
  /**
   * The number of a process that stays: what is made may be kept in memory until it ends, where that serves sessions better than a file. Sessions of all
   * processes of this user find it.
   */
  readonly keepFor?: number
}

export interface Driver<Options = unknown> {
  readonly apiVersion: 1
  /** `nbd`, `qemu-initramfs`: what `--driver` takes. */
  readonly name: string
  /** Validates the driver's section of the configuration. `{}` must be valid: every option has a default. */
  readonly options: StandardSchemaV1<unknown, Options>
  /** Looks, changes nothing, never throws for "does not work here". */
  probe(context: DriverContext<Options>): Promise<Probe>
  /**
   * Attaches every disk of the request or none. Rejecting or aborting leaves nothing behind.
   * `IMAGE_LOCKED` when somebody else has an image open, `IMAGE_NOT_FOUND`, `IMAGE_NOT_A_DISK` (a directory, a FIFO), `IMAGE_PERMISSION_DENIED`,
   * `IMAGE_DAMAGED`, `IMAGE_CHAIN_MISMATCH` (the header names a backing file that is not in the chain, or the other way round); other `DRIVER_*` codes are
   * the driver's.
   */
  open(request: OpenRequest, context: DriverContext<Options>): Promise<DriverSession>
  /**
   * Makes ahead, in the cache directory, what the first session would otherwise have to make; sessions work without it, too. Absent: this driver has
   * nothing of the kind. A second call finds what the first one made; two at once make it once. Called by `host-deployer appliance warm`, and by a
   * daemon: with `keepFor` when it starts, and without, for the daemon after it, where the probe's finding `template` says `held: true` and `fileBytes: 0`.
   * Rejects with a `DRIVER_*` or `APPLIANCE_*` code, or `ABORTED`, and leaves nothing behind then.
   */
  prepare?(context: DriverContext<Options>, options?: PrepareOptions): Promise<Preparation>
}

export interface DriverSession extends AsyncDisposable {
  /** The truth for this session. */
  readonly capabilities: Capabilities
  /** Same order as the request. */
  readonly disks: readonly [AttachedDisk, ...AttachedDisk[]]
  readonly toolHost: ToolHost
  readonly guestExec?: GuestExec
  /** How the session was made: accelerator, boot or clone, host software. Shown in the report. */
  readonly info: SessionInfo
  /** What was noticed while opening: a fallback, a slow path. */
  readonly diagnostics: readonly Diagnostic[]
  /**
   * Keeps what is known about this session (console log, traces, scratch files) beyond its close and says in which directory. Called when the
   * work in the session failed and {@link DriverContext.keepOnFailure} is set. Absent: there is nothing to keep.
   */
  keep?(): Promise<HostPath>
  /**
   * Flushes, detaches, releases; resolves when the images' locks are free. Idempotent. Rejects with `CleanupError` (`CLEANUP_FLUSH_FAILED`,
   * `CLEANUP_RESIDUE`) after everything that can be released has been.
   */
  close(): Promise<void>
}

export interface SessionInfo {
  /** `kvm`, `tcg`, or `none` where no VM is involved. */
  readonly accelerator: 'kvm' | 'tcg' | 'none'
  /** Milliseconds by step, in the order they happened: `{ spawn: 80, boot: 5200, attach: 5, login: 300 }`. */
  readonly timings: Readonly<Record<string, number>>
}
