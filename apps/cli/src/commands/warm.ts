import { DriverError, type Preparation } from '@host-deployer/driver-api'
import pc from 'picocolors'
import { cancellable } from '../cancellation.ts'
import { type DriverFlags, openDriver } from '../open-driver.ts'

interface WarmFlags extends DriverFlags {
  readonly hold?: boolean
  readonly timeout?: number
  readonly json?: boolean
}

/**
 * Exit code 0 also when there is nothing to prepare; when it fails, that of the error. With `--hold` it stays until it is told to end, or fails with
 * `DRIVER_TEMPLATE_FAILED` where nothing can be held.
 */
export async function applianceWarmCommand(flags: WarmFlags): Promise<void> {
  const started = performance.now()
  const { name, outcome, detail, artefact, keptFor } = await cancellable(flags.timeout, (signal) => prepare(flags, signal))
  const durationMs = Math.round(performance.now() - started)
  if (flags.hold === true && keptFor === undefined) {
    throw new DriverError('DRIVER_TEMPLATE_FAILED', `Nothing is held in memory: ${detail}`, {
      hint: 'Sessions work without, each with a copy of the memory of its own; leave out --hold.',
    })
  }
  if (flags.json) {
    const document = { schemaVersion: 1, driver: name, outcome, detail, ...artefact, ...(keptFor !== undefined && { keptFor }), durationMs }
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  } else show({ outcome, detail, ...(artefact && { artefact }), durationMs })
  if (flags.hold !== true) return
  if (flags.json !== true) process.stdout.write('  held in memory for clones to share, until this command ends (Ctrl-C)\n')
  await toldToEnd()
}

function show({ outcome, detail, artefact, durationMs }: Preparation & { readonly durationMs: number }): void {
  const verbs = { made: 'built', found: 'reused', nothing: 'nothing to do' } as const
  process.stdout.write(`${pc.green(verbs[outcome])}: ${detail}\n`)
  if (artefact === undefined) return
  process.stdout.write(`  ${(artefact.sizeBytes / 2 ** 20).toFixed(0)} MiB in ${artefact.path}, ${(durationMs / 1000).toFixed(1)} s\n`)
}

async function prepare(flags: WarmFlags, signal: AbortSignal): Promise<Preparation & { readonly name: string }> {
  const { driver, context } = await openDriver(flags, { signal })
  if (driver.prepare === undefined)
    return { name: driver.name, outcome: 'nothing', detail: `the driver ${driver.name} makes nothing ahead` }
  return { name: driver.name, ...(await driver.prepare(context, flags.hold === true ? { keepFor: process.pid } : {})) }
}

/** Resolves at the first Ctrl-C, SIGTERM or SIGHUP. */
async function toldToEnd(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  // Waiting for a signal alone does not keep a process.
  const stay = setInterval(() => {}, 60_000)
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve())
  await promise
  clearInterval(stay)
}
