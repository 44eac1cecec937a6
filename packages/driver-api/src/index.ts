export type { Diagnostic } from './diagnostic.ts'
export type {
  AttachedDisk,
  Capabilities,
  DiskAccess,
  DiskRequest,
  Driver,
  DriverContext,
  DriverSession,
  HeldLease,
  ImageFile,
  ImageFormat,
  Lease,
  LeaseJournal,
  Logger,
  OpenRequest,
  Preparation,
  PrepareOptions,
  Probe,
  ProbeFinding,
  SessionInfo,
} from './driver.ts'
export type { DeployErrorOptions, FsErrorKind, Phase, Retry } from './errors.ts'
export {
  AbortError,
  BlockError,
  CapabilityError,
  CleanupError,
  ConfigError,
  DeployError,
  DiskError,
  DriverError,
  ExecError,
  FsError,
  GuestError,
  InputError,
  OperationError,
  TimeoutError,
} from './errors.ts'
export type { HostPath, ToolPath } from './paths.ts'
export { hostPath, joinToolPath, toolPath } from './paths.ts'
export type { CreateOptions, FileType, RawDirEntry, RawFs, RawStat, XattrChange } from './raw-fs.ts'
export type { StandardIssue, StandardResult, StandardSchemaV1 } from './standard-schema.ts'
export type { ExecOptions, ExecResult, GuestExec, ToolHost } from './tool-host.ts'
