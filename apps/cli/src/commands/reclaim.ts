import { listResidue, reclaim } from '@host-deployer/driver-kit'
import pc from 'picocolors'
import { type StateFlags, stateDirectories } from '../state-directories.ts'

/** Exit code 6 when something could not be released. */
export async function reclaimCommand(flags: StateFlags & { readonly json?: boolean }): Promise<void> {
  const { chosen, daemon } = await stateDirectories(flags, process.env)
  const findings = await reclaim(chosen)
  const freed = findings.filter(({ code }) => code === 'LEASE_FREED')
  const left = findings.filter(({ code }) => code !== 'LEASE_FREED')
  if (left.some(({ code }) => code === 'LEASE_NOT_FREED')) process.exitCode = 6
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, freed, left }, null, 2)}\n`)
    return
  }
  for (const { summary, detail } of freed) process.stdout.write(`${pc.green('✓')} ${summary} ${pc.dim(detail ?? '')}\n`)
  for (const { summary, detail, path } of left) {
    process.stdout.write(`${pc.yellow('!')} ${summary} ${pc.dim(path ?? '')}\n${detail === undefined ? '' : `    ${detail}\n`}`)
  }
  if (findings.length === 0) process.stdout.write('Nothing was left behind.\n')
  // A daemon frees what is its own: only said.
  if (daemon !== undefined && (await listResidue(daemon)).length > 0) {
    process.stdout.write(
      `Something is left in ${daemon}. A running daemon tries again every minute; without one: --state-directory ${daemon}\n`,
    )
  }
}
