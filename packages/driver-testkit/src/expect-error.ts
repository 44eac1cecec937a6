import { DeployError, FsError } from '@host-deployer/driver-api'

/**
 * The stable code an action rejects with. `none` when it succeeds; a session that came out of it is closed. For an error without a code the error's
 * own text, which no check expects: errors that leave a driver on purpose are `DeployError`s.
 */
export async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    const value = await action
    if (typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function') await value.close()
    return 'none'
  } catch (error) {
    return DeployError.isInstance(error) ? error.code : `not a DeployError: ${error}`
  }
}

/** The kind a file primitive rejects with, `fine` when it succeeds, the error's own text when it is not an `FsError`. */
export const kindOf = (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => 'fine',
    (error: unknown) => (FsError.is(error) ? error.kind : `not an FsError: ${error}`),
  )
