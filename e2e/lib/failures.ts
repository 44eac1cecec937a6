let failed = false

/** Whether a test of this file has failed so far. */
export const somethingFailed = (): boolean => failed

export function rememberFailure(): void {
  failed = true
}
