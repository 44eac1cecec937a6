import type { StatusDocument } from '@host-deployer/daemon'
import pc from 'picocolors'

type Work = StatusDocument['work']

/** A status for people. Names of images and messages come from elsewhere: no control character of theirs reaches the terminal. */
export function showStatus(status: StatusDocument): string {
  return [
    headline(status),
    ...facts(status).map(([name, text]) => `  ${name.padEnd(9)} ${text}`),
    ...status.warnings.map((text) => `  ${pc.yellow('!')} ${printable(text)}`),
    ...jobs(status.work),
    ...failures(status.work),
    ...failedCalls(status),
    ...residue(status.work),
    '',
  ].join('\n')
}

function headline({ version, alive, faults, ready, conditions, pid, uptimeMs }: StatusDocument): string {
  const state = !alive ? pc.red('not alive') : ready ? pc.green('ready') : pc.yellow('not ready')
  const reasons = [...faults, ...Object.values(conditions).flatMap(({ reason }) => (reason === null ? [] : [reason]))]
  return [
    `host-deployer ${printable(version)}: ${state}, up for ${duration(uptimeMs)} ${pc.dim(`(pid ${pid})`)}`,
    ...reasons.map((reason) => `  ${pc.yellow('!')} ${printable(reason)}`),
  ].join('\n')
}

function facts({ driver, config, work }: StatusDocument): readonly (readonly [string, string])[] {
  const { slots, workers } = work
  const waiting = work.jobs.filter(({ state }) => state === 'waiting').length
  const usable = driver.usable === null ? 'not looked at yet' : driver.usable ? 'works here' : pc.red('does not work here')
  const lacking = driver.usable === false ? driver.findings.filter(({ ok }) => !ok) : []
  return [
    ['driver', `${printable(driver.name)}, ${usable}`],
    ...lacking.map(({ subject, detail, remedy }): [string, string] => [
      '',
      printable(`${subject}: ${detail}${remedy === undefined ? '' : ` (${remedy})`}`),
    ]),
    ...(driver.template === null ? [] : [['template', printable(driver.template.detail)] as const]),
    ['slots', `${slots.busy} of ${slots.total} busy${slots.quarantined === 0 ? '' : pc.yellow(`, ${slots.quarantined} quarantined`)}`],
    ['queue', `${waiting} waiting, at most ${config.queueLimit}`],
    ['workers', `${workers.running} running, ${workers.spare} spare`],
    ['socket', printable(config.socketPath)],
  ]
}

function jobs({ jobs: all }: Work): readonly string[] {
  if (all.length === 0) return []
  const rows = all.map(({ id, state, kind, label, phase, waitedMs, runningMs, image, client }) => [
    id,
    phase === null || state !== 'running' ? state : phase,
    kind === label ? kind : `${kind} (${label})`,
    state === 'waiting' ? duration(waitedMs) : duration(runningMs),
    image,
    client,
  ])
  return ['', pc.bold('Jobs'), ...table([['id', 'state', 'kind', 'for', 'image', 'client'], ...rows])]
}

function failures({ failures: all }: Work): readonly string[] {
  if (all.length === 0) return []
  return [
    '',
    pc.bold('Last failures'),
    ...all.flatMap(({ at, code, kind, image, phase, message, hint, id }) => [
      `  ${pc.dim(printable(at))} ${pc.red(printable(code))} ${kind} ${printable(image)} ${pc.dim(`(${phase === null ? '' : `${printable(phase)}, `}job ${printable(id)})`)}`,
      `    ${printable(message)}`,
      ...(hint === null ? [] : [`    ${pc.green('next')} ${printable(hint)}`]),
    ]),
  ]
}

/** A daemon of an earlier version has none. */
function failedCalls({ failedCalls: all = [] }: Partial<StatusDocument>): readonly string[] {
  if (all.length === 0) return []
  return [
    '',
    pc.bold('Last calls that failed without a failed job'),
    ...all.flatMap(({ at, code, rpc, status, phase, message, hint, job }) => [
      `  ${pc.dim(printable(at))} ${pc.red(printable(code))} ${rpc} ${pc.dim(`(${[phase, status, job === null ? 'no job' : `job ${job}`].filter(Boolean).map(String).map(printable).join(', ')})`)}`,
      `    ${printable(message)}`,
      ...(hint === null ? [] : [`    ${pc.green('next')} ${printable(hint)}`]),
    ]),
  ]
}

function residue({ residue: all }: Work): readonly string[] {
  if (all.length === 0) return []
  return [
    '',
    pc.bold('Residue'),
    ...all.map(({ summary, detail, path }) => `  ${pc.yellow('!')} ${printable([summary, path, detail].filter(Boolean).join(' '))}`),
    `    ${pc.green('next')} It is tried again every minute; see who holds it (fuser -vm, lsof). docs/operate.md has more.`,
  ]
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const cells = rows.map((row) => row.map(printable))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const lines = cells.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
  return lines.map((line, index) => (index === 0 ? pc.dim(line) : line))
}

function duration(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}

/** Control characters (C0, DEL, C1) and what turns text around are shown as `\u{1b}`. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
