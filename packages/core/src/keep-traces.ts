import { DeployError, type DriverSession } from '@host-deployer/driver-api'

/**
 * Runs `work`. When it fails, what the driver knows about the session (console log, traces, scratch files) is kept, and the error says where
 * (diagnostic `TRACES_KEPT`): with the session's close it would be gone.
 */
export async function keepTraces<T>(session: DriverSession, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (DeployError.isInstance(error)) {
      const kept = await session.keep?.().catch(() => undefined)
      if (kept !== undefined)
        error.diagnostics.push({ severity: 'info', code: 'TRACES_KEPT', summary: `Kept for a look: ${kept}`, path: kept })
    }
    throw error
  }
}
