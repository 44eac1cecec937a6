import type { Preparation } from '@host-deployer/driver-api'
import pc from 'picocolors'
import { cancellable } from '../cancellation.ts'
import { type DriverFlags, openDriver } from '../open-driver.ts'

interface WarmFlags extends DriverFlags {
  readonly timeout?: number
  readonly json?: boolean
}

/** Exit code 0 also when there is nothing to prepare; when it fails, that of the error. */
export async function applianceWarmCommand(flags: WarmFlags): Promise<void> {
  const started = performance.now()
  const { name, outcome, detail, artefact } = await cancellable(flags.timeout, (signal) => prepare(flags, signal))
  const durationMs = Math.round(performance.now() - started)
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, driver: name, outcome, detail, ...artefact, durationMs }, null, 2)}\n`)
    return
  }
  const verbs = { made: 'built', found: 'reused', nothing: 'nothing to do' } as const
  process.stdout.write(`${pc.green(verbs[outcome])}: ${detail}\n`)
  if (artefact === undefined) return
  process.stdout.write(`  ${(artefact.sizeBytes / 2 ** 20).toFixed(0)} MiB in ${artefact.path}, ${(durationMs / 1000).toFixed(1)} s\n`)
}

async function prepare(flags: WarmFlags, signal: AbortSignal): Promise<Preparation & { readonly name: string }> {
  const { driver, context } = await openDriver(flags, { signal })
  if (driver.prepare === undefined)
    return { name: driver.name, outcome: 'nothing', detail: `the driver ${driver.name} makes nothing ahead` }
  return { name: driver.name, ...(await driver.prepare(context)) }
}
