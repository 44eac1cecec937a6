import { type Capabilities, DeployError, type ProbeFinding } from '@host-deployer/driver-api'
import { ownDriverNames, requireUsable } from '@host-deployer/driver-loader'
import pc from 'picocolors'
import { openDriver } from '../open-driver.ts'
import { errorReport } from '../report-failure.ts'

interface DriversFlags {
  readonly appliance?: string
  readonly json?: boolean
}

/** One driver, as far as it could be loaded. */
interface DriverRow {
  /** What it calls itself; what it was asked for by, when it could not be loaded. */
  readonly name: string
  readonly package: { readonly name: string; readonly version: string; readonly path: string } | null
  /** The module. */
  readonly path: string | null
  /** The version of the contract it was written for. */
  readonly apiVersion: number | null
  /** What its sessions could do here; null where only an open session can tell. */
  readonly capabilities: Capabilities | null
  readonly usable: boolean
  readonly findings: readonly ProbeFinding[]
  /** Why it does not work here: the code of the first check that failed. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string | null }
}

/**
 * The drivers that are named, or else ours; each is loaded, checked and asked whether it works here. Exit code 4 when one that was named does not; a driver of
 * ours that nobody asked for may be missing.
 */
export async function driversCommand(named: readonly string[], flags: DriversFlags): Promise<void> {
  const rows: DriverRow[] = []
  const loaded = new Map<string, string>()
  // One after the other: a name belongs to who comes first.
  for (const name of named.length > 0 ? named : ownDriverNames) rows.push(await look(name, flags, loaded))
  if (named.length > 0 && rows.some(({ usable }) => !usable)) process.exitCode = 4
  process.stdout.write(flags.json ? `${JSON.stringify({ schemaVersion: 1, drivers: rows }, null, 2)}\n` : rows.map(show).join(''))
}

async function look(name: string, flags: DriversFlags, others: Map<string, string>): Promise<DriverRow> {
  let row: DriverRow = { name, package: null, path: null, apiVersion: null, capabilities: null, usable: false, findings: [] }
  try {
    const { appliance } = flags
    const { driver, context, loaded } = await openDriver(
      { driver: name, ...(appliance !== undefined && isOurs(name) && { appliance }) },
      { others },
    )
    others.set(driver.name, loaded.path)
    row = { ...row, name: driver.name, package: loaded.package ?? null, path: loaded.path, apiVersion: loaded.apiVersion }
    const { findings, capabilities = null } = await requireUsable(driver, context)
    return { ...row, usable: true, findings, capabilities }
  } catch (error) {
    const { code, message, hint } = errorReport(error).error
    const findings = DeployError.isInstance(error) ? (error.context['findings'] as DriverRow['findings'] | undefined) : undefined
    return { ...row, findings: findings ?? [], error: { code, message, hint } }
  }
}

/** The appliance is an option of one driver. */
const isOurs = (name: string): boolean => name === 'qemu-initramfs' || name === 'qemu-kvm'

function show(row: DriverRow): string {
  const { name, usable, findings, error, apiVersion, capabilities } = row
  const lines = [`${usable ? pc.green('✓') : pc.red('✗')} ${pc.bold(name)} ${pc.dim(usable ? 'works here' : 'does not work here')}`]
  const field = (title: string, value: string) => lines.push(`    ${pc.dim(title.padEnd(13))} ${value}`)
  if (row.package !== null) field('package', `${row.package.name} ${row.package.version}`)
  if (row.path !== null) field('path', row.path)
  if (apiVersion !== null) field('API version', String(apiVersion))
  if (capabilities !== null) {
    const able = Object.entries(capabilities).flatMap(([capability, has]) => (has ? [capability] : []))
    field('capabilities', able.join(', ') || 'none')
  }
  for (const { ok, subject, detail, remedy, debianPackage } of findings) {
    if (ok) continue
    field(subject, detail)
    if (debianPackage !== undefined) field('', `in the Debian package ${debianPackage}`)
    if (remedy !== undefined) field('', `${pc.green('next')} ${remedy}`)
  }
  // What a driver lacks is said finding by finding.
  if (error !== undefined && findings.length === 0) {
    field('error', `${error.code}: ${error.message}`)
    if (error.hint !== null) field('', `${pc.green('next')} ${error.hint}`)
  }
  return `${lines.join('\n')}\n`
}
