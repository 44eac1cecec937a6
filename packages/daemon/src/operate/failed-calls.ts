import type { RpcCall } from '../grpc/rpc-call.ts'
import type { FailureSnapshot } from '../work/work.ts'

/** A call that failed and is not among the failed jobs. */
export interface FailedCall {
  readonly rpc: string
  /** Null when it came to none. */
  readonly job: string | null
  readonly status: string
  readonly code: string
  readonly phase: string | null
  readonly message: string
  readonly hint: string | null
  /** RFC 3339. */
  readonly at: string
}

const KEPT = 20

/**
 * Remembers the last twenty calls that failed without a failed job: those refused before there was one, and those whose job ended well with a report that is
 * none of a success to their client.
 */
export function createFailedCalls(failures: () => readonly Pick<FailureSnapshot, 'id'>[]): {
  add(call: RpcCall): void
  /** Newest first. */
  list(): readonly FailedCall[]
} {
  const calls: FailedCall[] = []
  return {
    add: ({ rpc, job, status, error }) => {
      if (error === null || (job !== null && failures().some(({ id }) => id === job))) return
      calls.unshift({ rpc, job, status, ...error, at: new Date().toISOString() })
      calls.length = Math.min(calls.length, KEPT)
    },
    list: () => [...calls],
  }
}
