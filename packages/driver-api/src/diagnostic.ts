/** A finding that does not stop the work. It goes into the report; there is no "log a warning and return success". */
export interface Diagnostic {
  readonly severity: 'info' | 'warning' | 'error'
  /** Stable, upper snake case, documented in `docs/errors.md`. */
  readonly code: string
  readonly summary: string
  readonly detail?: string
  /** The guest path, request key (`users[0].shell`) or device the finding is about. */
  readonly path?: string
}
