import pc from 'picocolors'
import { type DriverFlags, openDriver } from '../open-driver.ts'

interface DoctorFlags extends DriverFlags {
  readonly json?: boolean
}

/** Exit code 0 when the driver works here, 4 when not. Which way its sessions start is one of the driver's findings. */
export async function doctorCommand(flags: DoctorFlags): Promise<void> {
  const { driver, context } = await openDriver(flags)
  const { usable, findings } = await driver.probe(context)
  if (!usable) process.exitCode = 4
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, driver: driver.name, usable, findings }, null, 2)}\n`)
    return
  }
  for (const { ok, subject, detail, remedy } of findings) {
    process.stdout.write(`${ok ? pc.green('✓') : pc.yellow('!')} ${subject.padEnd(14)} ${detail}\n`)
    if (remedy !== undefined) process.stdout.write(`${''.padEnd(17)}${pc.green('next')} ${remedy}\n`)
  }
  process.stdout.write(
    usable
      ? `\n${pc.green('ready')}: the driver ${driver.name} works here\n`
      : `\n${pc.red('not ready')}: the driver ${driver.name} does not work here\n`,
  )
}
