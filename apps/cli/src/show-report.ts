import type { DeployReport, OperationReport, ProbeReport } from '@host-deployer/api'
import { renderDiff, type TreeDiff } from '@host-deployer/guest-fs'
import pc from 'picocolors'
import { showDiagnostics } from './show-diagnostics.ts'
import { showGrown, summariseGrown } from './show-grown.ts'

const marks: Readonly<Record<OperationReport['outcome'], string>> = {
  changed: pc.green('~'),
  unchanged: pc.dim('='),
  'staged-first-boot': pc.cyan('»'),
  skipped: pc.yellow('-'),
  failed: pc.red('✗'),
}

/** A deploy's outcome for people: what the guest is, what was done, the diff, passwords made, findings. */
export function showDeploy(report: DeployReport, diff: TreeDiff): string {
  const { facts, operations, generated } = report
  const lines = ['', `${pc.bold(facts.os.productName)} ${pc.dim(facts.os.arch ?? '')} on ${facts.storage.rootDevice}`, '']
  for (const { id, outcome } of operations) lines.push(`  ${marks[outcome]} ${id.padEnd(20)} ${pc.dim(outcome)}`)
  if (report.grown.length > 0) lines.push('', ...showGrown(report.grown))
  if (diff.length > 0) lines.push('')
  for (const entry of diff) lines.push(...excerpt(renderDiff([entry]).trimEnd().split('\n')).map(colourLine))
  for (const [account, password] of Object.entries(generated.passwords))
    lines.push('', `Password of ${pc.bold(account)}: ${password}  ${pc.dim('(shown only now)')}`)
  lines.push(...showDiagnostics(report.diagnostics))
  lines.push('', summary(report))
  return `${lines.join('\n')}\n`
}

/** A skeleton file of a hundred lines hides the two lines that matter. */
function excerpt(lines: readonly string[]): readonly string[] {
  const shown = 24
  if (lines.length <= shown + 4) return lines
  return [...lines.slice(0, shown), `  … ${lines.length - shown} more lines, all of them with --json`]
}

function colourLine(line: string): string {
  if (/^(added|changed|removed) /.test(line)) return pc.bold(line)
  if (line.startsWith('@@')) return pc.cyan(line)
  if (line.startsWith('+')) return pc.green(line)
  if (line.startsWith('-')) return pc.red(line)
  return line
}

function summary({ dryRun, changed, diff, grown, image, timings }: DeployReport): string {
  const total = Object.entries(timings).reduce((sum, [phase, ms]) => (phase.includes('.') ? sum : sum + ms), 0)
  const seconds = pc.dim(`in ${(total / 1000).toFixed(1)} s`)
  if (!changed) return `${pc.green('unchanged')}: ${image.path} is already as asked, nothing was written ${seconds}`
  const paths = `${diff.length} ${diff.length === 1 ? 'path' : 'paths'} ${dryRun ? 'would change' : 'changed'}`
  const growth = summariseGrown(grown, dryRun ? 'would grow' : 'has grown')
  const what = [diff.length > 0 ? paths : undefined, growth].filter((part) => part !== undefined).join(', ')
  return `${dryRun ? pc.yellow('dry run') : pc.green('done')}: ${what} in ${image.path} ${seconds}`
}

/** What `probe` found, for people. */
export function showProbe(report: ProbeReport): string {
  const { os, storage, firmware, cloudInit, image } = report
  const row = (name: string, value: string | null) => `  ${pc.dim(name.padEnd(12))} ${value ?? pc.dim('unknown')}`
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`
  const lines = [
    '',
    pc.bold(os.productName),
    row('image', `${image.format}, ${gib(image.virtualSizeBytes)}`),
    row('system', `${os.distro} ${os.version}${os.codename === null ? '' : ` (${os.codename})`}`),
    row('arch', os.arch),
    row('hostname', os.hostname),
    row('init', os.initSystem),
    row('packages', os.packageManager === null ? os.packageFormat : `${os.packageManager} (${os.packageFormat})`),
    row('cloud-init', cloudInit.installed ? 'installed' : 'not installed'),
    row('firmware', [firmware.bios ? 'BIOS' : '', firmware.uefi ? 'UEFI' : ''].filter(Boolean).join(' and ') || null),
    row('partitions', storage.partitionTable ?? 'none'),
    '',
    ...storage.filesystems.map(
      ({ device, type, sizeBytes, mountpoint, label, uuid }) =>
        `  ${device.padEnd(26)} ${type.padEnd(8)} ${gib(sizeBytes).padStart(12)}  ${(mountpoint ?? pc.dim('-')).padEnd(12)} ${pc.dim(label ?? uuid ?? '')}`,
    ),
    ...showDiagnostics(report.diagnostics),
  ]
  return `${lines.join('\n')}\n`
}
