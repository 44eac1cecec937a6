import type { Diagnostic } from './diagnostic.ts'

/** `never`: the same call will fail again. `may-help`: a passing condition. `exhausted`: we have retried already. */
export type Retry = 'never' | 'may-help' | 'exhausted'

export interface DeployErrorOptions {
  /** What to do next, one sentence for a person. */
  readonly hint?: string
  readonly retry?: Retry
  /** Facts about the failure for logs and `--json`; never a secret. */
  readonly context?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The step of a deploy an error happened in, in the order they run. */
export type Phase = 'parse' | 'resolve' | 'open' | 'scan' | 'mount' | 'detect' | 'stage' | 'diff' | 'commit' | 'unmount' | 'close'

const marker = Symbol.for('host-deployer.error')

/**
 * The base of every error that leaves a public function on purpose. `code` is stable and documented in `docs/errors.md`;
 * `message` may change with any release. A programming mistake stays a `TypeError` without a code.
 *
 * Identity survives two copies of this package in one process: test with {@link DeployError.isInstance}, not `instanceof`.
 */
export class DeployError extends Error {
  readonly [marker] = true
  readonly code: string
  readonly hint: string | undefined
  readonly retry: Retry
  readonly context: Readonly<Record<string, unknown>>
  /** Set by `deploy()` and `probe()` when the error passes through them; the first one wins. */
  phase: Phase | undefined
  /** Errors of the clean-up that followed this one. They never replace it. */
  readonly cleanupErrors: unknown[] = []
  /** Findings made before the failure, the appliance's last console lines for instance. */
  readonly diagnostics: Diagnostic[] = []

  constructor(code: string, message: string, options: DeployErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.hint = options.hint
    this.retry = options.retry ?? 'never'
    this.context = options.context ?? {}
  }

  static isInstance(value: unknown): value is DeployError {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[marker] === true
  }
}

/** The request is wrong: `INPUT_*`. */
export class InputError extends DeployError {}
/** A configuration file or option is wrong: `CONFIG_*`. */
export class ConfigError extends DeployError {}
/** The driver or what it starts (QEMU, the appliance) failed: `DRIVER_*`, `APPLIANCE_*`, `QEMU_*`. */
export class DriverError extends DeployError {}
/** The session cannot do what an operation needs: `CAPABILITY_*`. */
export class CapabilityError extends DeployError {}
/** The image is refused: locked, damaged, wrong format, a file of its chain not allowed: `IMAGE_*`. */
export class DiskError extends DeployError {}
/** What is on the disk cannot be used: no root, ambiguous root, damaged file system: `BLOCK_*`. */
export class BlockError extends DeployError {}
/** A tool on the tool host could not be run, or ended in a way its caller did not expect: `EXEC_*`. */
export class ExecError extends DeployError {}
/** The guest is not one we know how to change: `GUEST_*`. */
export class GuestError extends DeployError {}
/** An operation could not be staged or committed: `OPERATION_*`. */
export class OperationError extends DeployError {}
/** A deadline passed: `TIMEOUT_*`. */
export class TimeoutError extends DeployError {}
/** The caller cancelled: `ABORTED`. */
export class AbortError extends DeployError {}
/** Something could not be released: `CLEANUP_*`. Thrown only when nothing failed before it. */
export class CleanupError extends DeployError {}

/**
 * Why a file system primitive failed, independent of transport. `io` is the rest; the original error is the `cause`.
 * sftp v3 knows fewer kinds than errno does, so implementations look (`lstat`) before they guess.
 */
export type FsErrorKind =
  | 'not-found'
  | 'already-exists'
  | 'not-a-directory'
  | 'is-a-directory'
  | 'not-a-file'
  | 'not-a-symlink'
  | 'not-empty'
  | 'permission-denied'
  | 'read-only'
  | 'no-space'
  | 'too-large'
  | 'name-too-long'
  | 'symlink-loop'
  | 'invalid-path'
  | 'not-supported'
  | 'io'

/** A file system primitive failed: `FS_*`, one code per {@link FsErrorKind} (`FS_NOT_FOUND` for `not-found`). */
export class FsError extends DeployError {
  readonly kind: FsErrorKind
  readonly path: string

  constructor(kind: FsErrorKind, path: string, message?: string, options: DeployErrorOptions = {}) {
    super(`FS_${kind.toUpperCase().replaceAll('-', '_')}`, message ?? `${kind}: ${JSON.stringify(path)}`, {
      ...options,
      context: { path, ...options.context },
    })
    this.kind = kind
    this.path = path
  }

  static is(value: unknown, ...kinds: readonly FsErrorKind[]): value is FsError {
    if (!DeployError.isInstance(value) || !('kind' in value)) return false
    return kinds.length === 0 || kinds.includes(value.kind as FsErrorKind)
  }
}
