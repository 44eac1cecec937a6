import { version as nodeVersion } from 'node:process'
import type { Probe } from '@host-deployer/driver-api'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { RpcCall } from '../grpc/rpc-call.ts'
import type { Job } from '../work/job.ts'
import type { Work, WorkEvent } from '../work/work.ts'
import { templateOf } from './template.ts'

export interface Metrics {
  /** Of the response: the text exposition format, version 0.0.4. */
  readonly contentType: string
  text(): Promise<string>
  /** Every metric of ours, for the table in `docs/operate.md`. */
  describe(): readonly MetricDescription[]
  /** Counts a call of the gRPC service that ended. */
  countCall(call: RpcCall): void
  /** Stops listening. */
  stop(): void
}

export interface MetricDescription {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
  readonly help: string
}

export interface MetricsOptions {
  readonly work: Pick<Work, 'on' | 'snapshot'>
  /** Of host-deployer. */
  readonly version: string
  /** The driver's name; asked at each scrape, since it may change. */
  readonly driver: () => string
  /** The driver's last probe; null before the first. */
  readonly probe: () => Probe | null
}

const KINDS: readonly Job['kind'][] = ['deploy', 'probe', 'grow', 'format']
const OUTCOMES = ['done', 'failed', 'cancelled', 'timeout'] as const
const TEMPLATE_STATES = ['off', 'present', 'absent', 'failed', 'impossible'] as const
const JOB_SECONDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600]
const PHASE_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300]
/** Codes of foreign drivers are labels, too: not without end. */
const MAX_CODES = 200

/**
 * What Prometheus sees of a daemon. A registry of its own; base units; counters of known labels start at zero, so that a first failure is an increase.
 * Nothing of a client, an image or a guest becomes a label.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  // Gauges with the name of counters; each has a twin by type without that ending.
  for (const what of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${what}_total`)
  const seen = new Set<string>()
  const code = (value: string) => {
    if (!/^[A-Z][A-Z0-9_]{0,60}$/.test(value)) return 'OTHER'
    if (seen.size < MAX_CODES) seen.add(value)
    return seen.has(value) ? value : 'OTHER'
  }
  measureState(registry, options)
  measureDriver(registry, options)
  const record = recorder(registry, code)
  const stop = options.work.on(record)
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    describe: () =>
      registry
        .getMetricsAsArray()
        .map(describeMetric)
        .filter(({ name }) => name.startsWith('host_deployer_'))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    countCall: callRecorder(registry, code),
    stop,
  }
}

/** Gauges that are read off the work at each scrape. */
function measureState(registry: Registry, { work }: MetricsOptions): void {
  const gauge = (name: string, help: string, value: () => number) => {
    new Gauge({
      name: `host_deployer_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value())
      },
    })
  }
  gauge('queue_length', 'Jobs that wait for their turn.', () => work.snapshot().jobs.filter(({ state }) => state === 'waiting').length)
  gauge('slots', 'Sessions that may run at once.', () => work.snapshot().slots.total)
  gauge('slots_busy', 'Slots with a running job.', () => work.snapshot().slots.busy)
  gauge(
    'slots_quarantined',
    'Processes of ended jobs that were killed and have not gone yet, because a device does not answer; others have their slots.',
    () => work.snapshot().slots.quarantined,
  )
  gauge('accepting', '1 while jobs are taken, 0 from the beginning of a drain.', () => Number(work.snapshot().accepting))
  gauge('residue', 'Things of killed sessions that could not be freed: mounts, devices, directories.', () => work.snapshot().residue.length)
  new Gauge({
    name: 'host_deployer_workers',
    help: 'Worker processes: spare ones wait, loaded, for a job.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { spare, running } = work.snapshot().workers
      this.set({ state: 'spare' }, spare)
      this.set({ state: 'running' }, running)
    },
  })
}

/** Gauges about the version, the driver and its template. */
function measureDriver(registry: Registry, { version, driver, probe }: MetricsOptions): void {
  new Gauge({
    name: 'host_deployer_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node_version', 'driver'],
    registers: [registry],
    collect() {
      this.reset()
      this.set({ version, node_version: nodeVersion, driver: driver() }, 1)
    },
  })
  new Gauge({
    name: 'host_deployer_driver_usable',
    help: '1 when the driver works on this machine, as far as its last probe could tell.',
    registers: [registry],
    collect() {
      this.set(Number(probe()?.usable ?? false))
    },
  })
  const template = () => templateOf(probe())
  new Gauge({
    name: 'host_deployer_template_state',
    help: '1 for the state the template of cloned VMs is in, 0 for the others; no samples for a driver without templates.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.reset()
      const now = template()?.state
      if (now !== undefined) for (const state of TEMPLATE_STATES) this.set({ state }, Number(state === now))
    },
  })
  const optional = (name: string, help: string, value: () => number | undefined) => {
    new Gauge({
      name: `host_deployer_template_${name}`,
      help,
      registers: [registry],
      labelNames: [],
      collect() {
        const now = value()
        if (now === undefined) this.remove()
        else this.set(now)
      },
    })
  }
  optional('held', '1 while clones share the memory of the saved VM, 0 while each has a copy of its own.', () => {
    const held = template()?.held
    return held === undefined ? undefined : Number(held)
  })
  optional('size_bytes', 'Size of the saved VM.', () => template()?.sizeBytes)
  optional(
    'file_bytes',
    'Size of the saved VM in a file, which the next daemon starts with; 0 when there is none.',
    () => template()?.fileBytes,
  )
  optional('age_seconds', 'Age of the saved VM.', () => seconds(template()?.ageMs))
  new Gauge({
    name: 'host_deployer_session_start_seconds',
    help: 'How long the last start of a session of this kind took, as the driver remembers it.',
    labelNames: ['start'],
    registers: [registry],
    collect() {
      this.reset()
      const { bootMs, cloneMs } = template() ?? {}
      if (bootMs !== undefined) this.set({ start: 'boot' }, bootMs / 1000)
      if (cloneMs !== undefined) this.set({ start: 'clone' }, cloneMs / 1000)
    },
  })
}

const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000)

/** What is counted event by event. */
function recorder(registry: Registry, code: (value: string) => string): (event: WorkEvent) => void {
  const registers = [registry]
  const name = (rest: string) => `host_deployer_${rest}`
  const jobs = new Counter({ name: name('jobs_total'), help: 'Jobs that ended.', labelNames: ['kind', 'outcome'], registers })
  for (const kind of KINDS) for (const outcome of OUTCOMES) jobs.inc({ kind, outcome }, 0)
  const failures = new Counter({
    name: name('job_failures_total'),
    help: 'Jobs that did not end well, by code (docs/errors.md).',
    labelNames: ['kind', 'code'],
    registers,
  })
  const refused = new Counter({ name: name('jobs_refused_total'), help: 'Jobs that were not taken.', labelNames: ['code'], registers })
  for (const reason of ['DAEMON_QUEUE_FULL', 'DAEMON_STOPPING']) refused.inc({ code: reason }, 0)
  const findings = new Counter({
    name: name('job_findings_total'),
    help: 'Findings in the reports of jobs that ended well.',
    labelNames: ['code', 'severity'],
    registers,
  })
  const histogram = <Label extends string>(rest: string, help: string, labelNames: readonly Label[], buckets: number[]) =>
    new Histogram({ name: name(rest), help, labelNames: [...labelNames], buckets, registers })
  const durations = histogram(
    'job_duration_seconds',
    'From the start of a job to its end, whatever its outcome; one that never started is not counted.',
    ['kind'],
    JOB_SECONDS,
  )
  const waits = histogram('job_wait_seconds', 'From the request to the start of its job.', ['kind'], JOB_SECONDS)
  const phases = histogram('phase_duration_seconds', 'Phases of jobs.', ['kind', 'phase'], PHASE_SECONDS)
  for (const kind of KINDS) {
    durations.zero({ kind })
    waits.zero({ kind })
  }
  const losses = new Counter({ name: name('worker_losses_total'), help: 'Worker processes that ended in the middle of a job.', registers })
  const reclaimed = new Counter({
    name: name('reclaimed_total'),
    help: 'Things of killed sessions that reclaim met: freed, or left because it could not.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['freed', 'left']) reclaimed.inc({ outcome }, 0)
  const started = new Set<string>()
  const ended = (kind: Job['kind'], id: string, ms: number): void => {
    // One that was cancelled while it waited took no time.
    if (started.delete(id)) durations.observe({ kind }, ms / 1000)
  }
  return (event) => {
    switch (event.type) {
      case 'refused':
        refused.inc({ code: code(event.code) })
        break
      case 'started':
        started.add(event.id)
        waits.observe({ kind: event.kind }, event.waitedMs / 1000)
        break
      case 'phase':
        phases.observe({ kind: event.kind, phase: event.phase }, event.ms / 1000)
        break
      case 'done':
        jobs.inc({ kind: event.kind, outcome: 'done' })
        ended(event.kind, event.id, event.ms)
        for (const { code: found, severity } of event.diagnostics) findings.inc({ code: code(found), severity })
        break
      case 'failed':
        jobs.inc({ kind: event.kind, outcome: outcomeOf(event.code) })
        ended(event.kind, event.id, event.ms)
        failures.inc({ kind: event.kind, code: code(event.code) })
        break
      case 'worker-lost':
        losses.inc()
        break
      case 'reclaimed':
        for (const finding of event.findings) reclaimed.inc({ outcome: finding.code === 'LEASE_FREED' ? 'freed' : 'left' })
    }
  }
}

/** Calls of the gRPC service: those that never came to a job, too. */
function callRecorder(registry: Registry, code: (value: string) => string): (call: RpcCall) => void {
  const calls = new Counter({
    name: 'host_deployer_rpcs_total',
    help: 'Calls that ended, by gRPC status and code (docs/errors.md); no code when it is OK.',
    labelNames: ['rpc', 'status', 'code'],
    registers: [registry],
  })
  const withoutSystem = new Counter({
    name: 'host_deployer_deploys_without_system_total',
    help: 'First deploys of disks with nothing on them, answered with success.',
    registers: [registry],
  })
  return ({ rpc, status, error, withoutSystem: hasNone }) => {
    calls.inc({ rpc, status, code: error === null ? '' : code(error.code) })
    if (hasNone) withoutSystem.inc()
  }
}

function outcomeOf(code: string): (typeof OUTCOMES)[number] {
  if (code === 'ABORTED') return 'cancelled'
  return code.startsWith('TIMEOUT_') || code.endsWith('_TIMEOUT') ? 'timeout' : 'failed'
}

/** prom-client keeps these on every metric and leaves them out of its types. */
function describeMetric(metric: object): MetricDescription {
  const { name, help, labelNames } = metric as { name: string; help: string; labelNames: readonly string[] }
  return { name, type: metric.constructor.name.toLowerCase(), labels: labelNames, help }
}
