import type { StatusDocument } from '@host-deployer/daemon'
import { askDaemon, askDaemonFor, type DaemonFlags } from '../ask-daemon.ts'

interface StatusFlags extends DaemonFlags {
  readonly json?: boolean
  readonly live?: boolean
  readonly ready?: boolean
}

/**
 * Exit code 0 when the daemon is what was asked for: alive with `--live`, ready with `--ready`, both without; 1 when it is not, or does not answer. The
 * probes of Kubernetes are this command, so it loads next to nothing.
 */
export async function statusCommand(flags: StatusFlags): Promise<void> {
  try {
    if (flags.live === true || flags.ready === true) await probe(flags)
    else await show(flags)
  } catch (error) {
    await (await import('../report-failure.ts')).reportFailure(error, flags.json === true)
    process.exitCode = 1
  }
}

async function probe({ live, ready, ...flags }: StatusFlags): Promise<void> {
  for (const path of [...(live ? ['/healthz'] : []), ...(ready ? ['/readyz'] : [])]) {
    const { status, body } = await askDaemon(path, flags, process.env)
    process.stdout.write(body)
    if (status !== 200) process.exitCode = 1
  }
}

async function show(flags: StatusFlags): Promise<void> {
  const status = JSON.parse(await askDaemonFor('/status', flags, process.env)) as StatusDocument
  if (!status.alive || !status.ready) process.exitCode = 1
  if (flags.json) process.stdout.write(`${JSON.stringify(status, null, 2)}\n`)
  else process.stdout.write((await import('../show-status.ts')).showStatus(status))
}
