import { CleanupError, DeployError } from '@host-deployer/driver-api'

/** Releases resources in the reverse order of their acquisition. */
export interface ResourceStack extends AsyncDisposable {
  /** Registers how to release what was just acquired. `what` names it in the error: `QEMU process`, `/run/x`. */
  defer(what: string, release: () => void | Promise<void>): void
  /**
   * Releases everything, each once, whatever fails. Rejects with one `CleanupError`: the single failure when it is one, otherwise
   * `CLEANUP_RESIDUE` with all of them in `cleanupErrors`. A second call does nothing.
   */
  release(): Promise<void>
  /** Releases everything and returns `error` with the failures of that attached to it: for the way out of a failed acquisition. */
  releaseAfter(error: unknown): Promise<unknown>
}

async function releaseAll(entries: (readonly [string, () => void | Promise<void>])[]): Promise<CleanupError[]> {
  const errors: CleanupError[] = []
  for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
    const [what, release] = entry
    try {
      await release()
    } catch (error) {
      if (error instanceof CleanupError) errors.push(error)
      else {
        const reason = error instanceof Error ? error.message : String(error)
        errors.push(new CleanupError('CLEANUP_RESIDUE', `Could not release ${what}: ${reason}`, { context: { what }, cause: error }))
      }
    }
  }
  return errors
}

/** An empty {@link ResourceStack}. */
export function createResourceStack(): ResourceStack {
  const entries: (readonly [string, () => void | Promise<void>])[] = []
  const release = async (): Promise<void> => {
    const errors = await releaseAll(entries)
    const [first] = errors
    if (first === undefined) return
    if (errors.length === 1) throw first
    const all = new CleanupError(first.code, errors.map((error) => error.message).join('; '), { cause: first })
    all.cleanupErrors.push(...errors)
    throw all
  }
  return {
    defer(what, action) {
      entries.push([what, action])
    },
    release,
    async releaseAfter(error) {
      const errors = await releaseAll(entries)
      if (DeployError.isInstance(error)) error.cleanupErrors.push(...errors)
      return error
    },
    [Symbol.asyncDispose]: release,
  }
}
