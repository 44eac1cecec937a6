import { DeployError } from '@host-deployer/driver-api'

/**
 * Holds a resource while `work` runs and releases it whatever happens. What `work` threw is what the caller gets; a failing release is attached
 * to it. `await using` would put the release's error in front of the first one.
 */
export async function holding<R extends AsyncDisposable, T>(resource: R, work: (resource: R) => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work(resource)
  } catch (error) {
    try {
      await resource[Symbol.asyncDispose]()
    } catch (cleanupError) {
      if (DeployError.isInstance(error)) error.cleanupErrors.push(cleanupError)
    }
    throw error
  }
  await resource[Symbol.asyncDispose]()
  return result
}
