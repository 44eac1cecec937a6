import { AbortError, DeployError, type Phase } from '@host-deployer/driver-api'

export interface PhaseEvent {
  readonly phase: Phase
  readonly state: 'started' | 'done' | 'failed'
  /** Milliseconds, when it is over. */
  readonly durationMs?: number
}

/** Runs the steps of a deploy: times each, tells a listener, and writes its name on an error that passes through. */
export interface Phases {
  run<T>(phase: Phase, work: () => Promise<T>): Promise<T>
  /** Milliseconds by phase, in order. */
  readonly timings: Readonly<Record<string, number>>
}

export interface PhasesOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number
  readonly signal?: AbortSignal | undefined
  readonly onPhase?: ((event: PhaseEvent) => void) | undefined
}

export function createPhases({ clock, signal, onPhase }: PhasesOptions): Phases {
  const timings: Record<string, number> = {}
  return {
    timings,
    async run(phase, work) {
      if (signal?.aborted)
        throw atPhase(
          new AbortError('ABORTED', `Cancelled before ${phase}`, { hint: 'Nothing was left behind; run it again when ready.' }),
          phase,
        )
      const started = clock()
      onPhase?.({ phase, state: 'started' })
      const elapsed = () => Math.round((clock() - started) * 10) / 10
      try {
        const result = await work()
        timings[phase] = (timings[phase] ?? 0) + elapsed()
        onPhase?.({ phase, state: 'done', durationMs: elapsed() })
        return result
      } catch (error) {
        onPhase?.({ phase, state: 'failed', durationMs: elapsed() })
        throw atPhase(error, phase)
      }
    },
  }
}

function atPhase<E>(error: E, phase: Phase): E {
  if (DeployError.isInstance(error)) error.phase ??= phase
  return error
}
