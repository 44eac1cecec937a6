import type { GrownReport } from '@host-deployer/api'
import pc from 'picocolors'

const size = (bytes: number | null) => (bytes === null ? '' : ` to ${(bytes / 2 ** 30).toFixed(2)} GiB`)

/** What grew, one line each. */
export const showGrown = (grown: readonly GrownReport[]): string[] =>
  grown.map(({ kind, device, sizeBytes }) => `  ${pc.green('~')} ${kind.padEnd(20)} ${device}${pc.dim(size(sizeBytes))}`)

/** The last and uppermost of it, `/dev/sda1 has grown to 9.87 GiB`; undefined without any. */
export function summariseGrown(grown: readonly GrownReport[], verb: string): string | undefined {
  const last = grown.at(-1)
  return last && `${last.device} ${verb}${size(last.sizeBytes)}`
}
