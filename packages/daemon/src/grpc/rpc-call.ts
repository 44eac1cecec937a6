/** A call that ended, as logs, metrics and status have it. Nothing in it is secret: no message shows a value of a field. */
export interface RpcCall {
  readonly rpc: string
  /** The id of its job; null when it came to none. */
  readonly job: string | null
  /** The status by name: `OK`, `INVALID_ARGUMENT`. */
  readonly status: string
  /** What it failed with; null when it did not. */
  readonly error: {
    /** The stable code. */
    readonly code: string
    readonly phase: string | null
    readonly message: string
    readonly hint: string | null
  } | null
  readonly ms: number
  /** A first deploy that found nothing on the disk and was answered with success. */
  readonly withoutSystem: boolean
}
