/** What must hold for clients to be served: the gRPC socket is there, the driver works here, jobs are taken. */
export type Condition = 'socket' | 'driver' | 'accepting'

export interface ConditionState {
  readonly met: boolean
  /** Why not, for people; null when it is met. */
  readonly reason: string | null
}

/** Whether this daemon serves, and since which condition not. One for gRPC's health service, `/readyz`, systemd's status line. */
export interface Health {
  readonly serving: boolean
  readonly conditions: Readonly<Record<Condition, ConditionState>>
  /** Without a reason the condition is met. */
  set(condition: Condition, reason?: string): void
  /** Calls `listener` when `serving` changes, until the returned function is called. */
  on(listener: (serving: boolean) => void): () => void
}

/** Nothing is met yet. */
export function createHealth(): Health {
  const starting: ConditionState = { met: false, reason: 'starting' }
  const conditions: Record<Condition, ConditionState> = { socket: starting, driver: starting, accepting: starting }
  const listeners = new Set<(serving: boolean) => void>()
  const serving = () => Object.values(conditions).every(({ met }) => met)
  return {
    get serving() {
      return serving()
    },
    get conditions() {
      return { ...conditions }
    },
    set(condition, reason) {
      const before = serving()
      conditions[condition] = { met: reason === undefined, reason: reason ?? null }
      const now = serving()
      if (now !== before) for (const listener of listeners) listener(now)
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
