import { rename, rm, writeFile } from 'node:fs/promises'
import type { HostPath } from '@host-deployer/driver-api'

/**
 * Writes the metrics where the textfile collector of Prometheus' node exporter reads them (a name that ends in `.prom`): beside the file first, then in
 * its place, so that a half-written one is never read. 0644, since the exporter is another user. One writer at a time.
 */
export async function writeTextfile(path: HostPath, metrics: { text(): Promise<string> }): Promise<void> {
  const fresh = `${path}.${process.pid}.tmp`
  try {
    await writeFile(fresh, await metrics.text(), { mode: 0o644 })
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}
