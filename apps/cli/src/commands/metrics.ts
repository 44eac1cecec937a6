import { askDaemonFor, type DaemonFlags } from '../ask-daemon.ts'

/** Prints what Prometheus would scrape. */
export async function metricsCommand(flags: DaemonFlags): Promise<void> {
  process.stdout.write(await askDaemonFor('/metrics', flags, process.env))
}
