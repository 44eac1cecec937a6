import { errorCatalogue } from '@host-deployer/api'
import type { Diagnostic } from '@host-deployer/driver-api'
import { listResidue } from '@host-deployer/driver-kit'
import pc from 'picocolors'
import { type DriverFlags, openDriver } from '../open-driver.ts'
import { type StateFlags, stateDirectories } from '../state-directories.ts'

interface DoctorFlags extends DriverFlags, StateFlags {
  readonly json?: boolean
}

/** Exit code 0 when the driver works here, 4 when not. Which way its sessions start is one of the driver's findings. */
export async function doctorCommand(flags: DoctorFlags): Promise<void> {
  const { chosen, daemon } = await stateDirectories(flags, process.env)
  const { driver, context } = await openDriver(flags)
  const { usable, findings } = await driver.probe(context)
  const own = await listResidue(chosen)
  const daemons = daemon === undefined ? [] : await listResidue(daemon)
  if (!usable) process.exitCode = 4
  if (flags.json) {
    const residue = [...own, ...daemons]
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, driver: driver.name, usable, findings, residue }, null, 2)}\n`)
    return
  }
  for (const { ok, subject, detail, remedy } of findings) {
    process.stdout.write(`${ok ? pc.green('✓') : pc.yellow('!')} ${subject.padEnd(14)} ${detail}\n`)
    if (remedy !== undefined) process.stdout.write(`${''.padEnd(17)}${pc.green('next')} ${remedy}\n`)
  }
  const named = flags.stateDirectory === undefined ? '' : ` --state-directory ${chosen}`
  showResidue(own, `host-deployer reclaim${named}`)
  showResidue(daemons, `a running daemon tries again every minute; without one: host-deployer reclaim --state-directory ${daemon}`)
  process.stdout.write(
    usable
      ? `\n${pc.green('ready')}: the driver ${driver.name} works here\n`
      : `\n${pc.red('not ready')}: the driver ${driver.name} does not work here\n`,
  )
}

function showResidue(residue: readonly Diagnostic[], reclaim: string): void {
  for (const { code, summary, detail, path } of residue) {
    const next = code === 'LEASE_UNREADABLE' ? errorCatalogue[code]?.remedy : reclaim
    process.stdout.write(`${pc.yellow('!')} ${'residue'.padEnd(14)} ${summary} ${pc.dim(detail ?? path ?? '')}\n`)
    process.stdout.write(`${''.padEnd(17)}${pc.green('next')} ${next}\n`)
  }
}
