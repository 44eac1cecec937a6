import type { Diagnostic } from '@host-deployer/driver-api'
import type { Work, WorkEvent } from '../work/work.ts'
import type { DaemonLogger } from './create-logger.ts'

/** What a host lacks is found by every job. */
const MAX_REMEMBERED = 1000

/**
 * Writes a line for each event of the jobs; every line of a job has its id as `job`. Until the returned function is called.
 *
 * Events: `job.queued`, `job.started`, `job.phase` (debug), `job.done`, `job.failed`, `worker.lost`, `reclaim`, and what drivers and operations log, under
 * their own names. `job.finding`, a warning in a report, is written once; the same one in a later report is a debug line, and `job.done` has its code. A job that failed because of its image or its request is a warning; one that failed because of us is an error.
 */
export function logWork(work: Pick<Work, 'on'>, logger: DaemonLogger): () => void {
  const remembered = new Set<string>()
  const isNew = ({ code, summary, detail, path }: Diagnostic): boolean => {
    const key = JSON.stringify([code, summary, detail, path])
    if (remembered.has(key)) return false
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.add(key)
    return true
  }
  return work.on((event) => {
    logEvent(event, logger, isNew)
  })
}

function logEvent(event: WorkEvent, logger: DaemonLogger, isNew: (finding: Diagnostic) => boolean): void {
  if (event.type === 'reclaimed') {
    for (const finding of event.findings) logger[finding.severity === 'info' ? 'info' : 'warn']('reclaim', { ...finding })
    return
  }
  if (event.type === 'refused') {
    // Whoever asks too often shall not fill the log, too; the client was told, and the metric counts.
    const { type: _, ...refused } = event
    logger.debug('job.refused', refused)
    return
  }
  const { type, id, ...fields } = event
  const log = logger.child({ job: id })
  switch (event.type) {
    case 'queued':
    case 'started':
      log.info(`job.${type}`, fields)
      break
    case 'phase':
      log.debug('job.phase', fields)
      break
    case 'log':
      log[event.level](event.event, event.fields)
      break
    case 'done':
      log.info('job.done', { kind: event.kind, ms: event.ms, findings: event.diagnostics.map(({ code }) => code) })
      for (const finding of event.diagnostics) {
        log[finding.severity !== 'info' && isNew(finding) ? 'warn' : 'debug']('job.finding', { ...finding })
      }
      break
    case 'failed':
      log[isFaultOfOurs(event.code) ? 'error' : 'warn']('job.failed', fields)
      break
    case 'worker-lost':
      log.error('worker.lost', fields)
  }
}

const isFaultOfOurs = (code: string) => code === 'INTERNAL' || code === 'DAEMON_WORKER_LOST' || code.startsWith('CLEANUP_')
