import { listResidue } from '@host-deployer/driver-kit'
import pc from 'picocolors'
import { directories } from '../directories.ts'
import { type DriverFlags, openDriver } from '../open-driver.ts'

interface DoctorFlags extends DriverFlags {
  readonly json?: boolean
}

/** Exit code 0 when the driver works here, 4 when not. Which way its sessions start is one of the driver's findings. */
export async function doctorCommand(flags: DoctorFlags): Promise<void> {
  const { driver, context } = await openDriver(flags)
  const { usable, findings } = await driver.probe(context)
  const residue = await listResidue(directories(process.env).state)
  if (!usable) process.exitCode = 4
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, driver: driver.name, usable, findings, residue }, null, 2)}\n`)
    return
  }
  for (const { ok, subject, detail, remedy } of findings) {
    process.stdout.write(`${ok ? pc.green('✓') : pc.yellow('!')} ${subject.padEnd(14)} ${detail}\n`)
    if (remedy !== undefined) process.stdout.write(`${''.padEnd(17)}${pc.green('next')} ${remedy}\n`)
  }
  for (const { summary, detail } of residue) {
    process.stdout.write(`${pc.yellow('!')} ${'residue'.padEnd(14)} ${summary} ${pc.dim(detail ?? '')}\n`)
    process.stdout.write(`${''.padEnd(17)}${pc.green('next')} host-deployer reclaim\n`)
  }
  process.stdout.write(
    usable
      ? `\n${pc.green('ready')}: the driver ${driver.name} works here\n`
      : `\n${pc.red('not ready')}: the driver ${driver.name} does not work here\n`,
  )
}
