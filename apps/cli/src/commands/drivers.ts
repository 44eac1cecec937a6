import pc from 'picocolors'
import { openDriver } from '../open-driver.ts'
import { errorReport } from '../report-failure.ts'

/** The drivers that come with the command. Others are named by package or path. */
const shipped = ['qemu-initramfs'] as const

interface DriversFlags {
  readonly appliance?: string
  readonly json?: boolean
}

export async function driversCommand(flags: DriversFlags): Promise<void> {
  const drivers = await Promise.all(
    shipped.map(async (name) => {
      try {
        const { driver, context } = await openDriver({ ...flags, driver: name })
        const { usable, findings } = await driver.probe(context)
        return { name: driver.name, apiVersion: driver.apiVersion, usable, findings }
      } catch (error) {
        return { name, usable: false, findings: [], ...errorReport(error) }
      }
    }),
  )
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, drivers }, null, 2)}\n`)
    return
  }
  for (const { name, usable, findings } of drivers) {
    process.stdout.write(
      `${usable ? pc.green('✓') : pc.red('✗')} ${pc.bold(name)} ${pc.dim(usable ? 'works here' : 'does not work here')}\n`,
    )
    for (const { ok, subject, detail, remedy } of findings) {
      if (!ok) process.stdout.write(`    ${subject}: ${detail}${remedy === undefined ? '' : `\n      ${pc.green('next')} ${remedy}`}\n`)
    }
  }
}
