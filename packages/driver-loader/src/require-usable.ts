import { type Driver, type DriverContext, DriverError, type Probe } from '@host-deployer/driver-api'

/**
 * Asks a driver whether it works here and insists on it. Rejects with `DRIVER_UNUSABLE`: what is missing is in the message, every finding in the
 * context. What `probe` throws against its contract is told in the same way, with the cause.
 */
export async function requireUsable<Options>(driver: Driver<Options>, context: DriverContext<Options>): Promise<Probe> {
  let probe: Probe
  try {
    probe = await driver.probe(context)
  } catch (cause) {
    throw unusable(driver.name, cause instanceof Error ? cause.message : String(cause), [], cause)
  }
  if (probe.usable) return probe
  const missing = probe.findings.filter(({ ok }) => !ok)
  throw unusable(driver.name, missing.map(({ subject, detail }) => `${subject}: ${detail}`).join('; '), probe.findings)
}

function unusable(driver: string, reason: string, findings: Probe['findings'], cause?: unknown): DriverError {
  const remedies = findings.flatMap(({ ok, remedy }) => (ok || remedy === undefined ? [] : [remedy]))
  return new DriverError('DRIVER_UNUSABLE', `The driver ${driver} does not work here: ${reason}`, {
    hint: remedies.length === 0 ? 'See `host-deployer drivers` for what it needs.' : remedies.join(' '),
    context: { driver, findings },
    cause,
  })
}
