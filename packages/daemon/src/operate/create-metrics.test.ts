import type { Probe } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { createMetrics } from './create-metrics.ts'
import { idle, scriptedWork } from './testing/scripted-work.ts'

const at = { image: '/i', message: 'm', hint: null, phase: null }

function start(probe: Probe | null = null) {
  const work = scriptedWork()
  const metrics = createMetrics({ work, version: '1.2.3', driver: () => 'qemu-initramfs', probe: () => probe })
  /** The samples of ours as `name{labels}` to value. */
  const samples = async () => {
    const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('host_deployer_'))
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
  }
  return { work, metrics, samples }
}

test('names, types and labels', () => {
  expect(
    start()
      .metrics.describe()
      .map(({ name, type, labels }) => `${name} ${type} ${labels.join(',')}`.trim()),
  ).toMatchInlineSnapshot(`
    [
      "host_deployer_accepting gauge",
      "host_deployer_build_info gauge version,node_version,driver",
      "host_deployer_deploys_without_system_total counter",
      "host_deployer_driver_usable gauge",
      "host_deployer_job_duration_seconds histogram kind",
      "host_deployer_job_failures_total counter kind,code",
      "host_deployer_job_findings_total counter code,severity",
      "host_deployer_job_wait_seconds histogram kind",
      "host_deployer_jobs_refused_total counter code",
      "host_deployer_jobs_total counter kind,outcome",
      "host_deployer_phase_duration_seconds histogram kind,phase",
      "host_deployer_queue_length gauge",
      "host_deployer_reclaimed_total counter outcome",
      "host_deployer_residue gauge",
      "host_deployer_rpcs_total counter rpc,status,code",
      "host_deployer_session_start_seconds gauge start",
      "host_deployer_slots gauge",
      "host_deployer_slots_busy gauge",
      "host_deployer_slots_quarantined gauge",
      "host_deployer_template_age_seconds gauge",
      "host_deployer_template_file_bytes gauge",
      "host_deployer_template_held gauge",
      "host_deployer_template_size_bytes gauge",
      "host_deployer_template_state gauge state",
      "host_deployer_worker_losses_total counter",
      "host_deployer_workers gauge state",
    ]
  `)
})

test('the text keeps to the exposition format', async () => {
  const { metrics } = start()
  const families = new Set<string>()
  for (const line of (await metrics.text()).split('\n').filter(Boolean)) {
    const meta = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
    if (meta !== null) {
      expect(meta[2]).toMatch(/^[a-z_][a-z0-9_]*$/)
      if (meta[1] === 'TYPE') {
        expect(families.has(meta[2] ?? '')).toBe(false)
        families.add(meta[2] ?? '')
        expect(meta[3] === 'counter').toBe(meta[2]?.endsWith('_total'))
      }
      continue
    }
    expect(line).toMatch(/^[a-z_][a-z0-9_]*(\{([a-z_]+="[^"]*",?)+\})? ([-+0-9.eE]+|\+Inf|Nan)$/)
  }
})

test('jobs are counted by how they ended', async () => {
  const { work, samples } = start()
  expect((await samples()).get('host_deployer_jobs_total{kind="deploy",outcome="failed"}')).toBe(0)
  work.emit(
    { type: 'started', id: '1', kind: 'deploy', waitedMs: 1500 },
    { type: 'phase', id: '1', kind: 'deploy', phase: 'open', ms: 400 },
    { type: 'done', id: '1', kind: 'deploy', ms: 3000, diagnostics: [{ severity: 'warning', code: 'KVM_UNUSABLE', summary: 's' }] },
    { ...at, type: 'failed', id: '2', kind: 'deploy', ms: 10, code: 'IMAGE_LOCKED' },
    { ...at, type: 'failed', id: '3', kind: 'grow', ms: 10, code: 'ABORTED' },
    { ...at, type: 'failed', id: '4', kind: 'grow', ms: 10, code: 'TIMEOUT_JOB' },
    { type: 'refused', kind: 'probe', label: 'l', client: 'c', code: 'DAEMON_QUEUE_FULL' },
    { type: 'worker-lost', id: '5', exitCode: null, signal: 'SIGKILL' },
    {
      type: 'reclaimed',
      findings: [
        { severity: 'info', code: 'LEASE_FREED', summary: 's' },
        { severity: 'warning', code: 'LEASE_NOT_FREED', summary: 's' },
      ],
    },
  )
  const now = await samples()
  expect({
    done: now.get('host_deployer_jobs_total{kind="deploy",outcome="done"}'),
    failed: now.get('host_deployer_jobs_total{kind="deploy",outcome="failed"}'),
    cancelled: now.get('host_deployer_jobs_total{kind="grow",outcome="cancelled"}'),
    timeout: now.get('host_deployer_jobs_total{kind="grow",outcome="timeout"}'),
    code: now.get('host_deployer_job_failures_total{kind="deploy",code="IMAGE_LOCKED"}'),
    finding: now.get('host_deployer_job_findings_total{code="KVM_UNUSABLE",severity="warning"}'),
    seconds: now.get('host_deployer_job_duration_seconds_sum{kind="deploy"}'),
    started: now.get('host_deployer_job_duration_seconds_count{kind="deploy"}'),
    waited: now.get('host_deployer_job_wait_seconds_sum{kind="deploy"}'),
    phase: now.get('host_deployer_phase_duration_seconds_sum{kind="deploy",phase="open"}'),
    refused: now.get('host_deployer_jobs_refused_total{code="DAEMON_QUEUE_FULL"}'),
    lost: now.get('host_deployer_worker_losses_total'),
    freed: now.get('host_deployer_reclaimed_total{outcome="freed"}'),
    left: now.get('host_deployer_reclaimed_total{outcome="left"}'),
  }).toEqual({
    done: 1,
    failed: 1,
    cancelled: 1,
    timeout: 1,
    code: 1,
    finding: 1,
    seconds: 3,
    started: 1,
    waited: 1.5,
    phase: 0.4,
    refused: 1,
    lost: 1,
    freed: 1,
    left: 1,
  })
})

test('calls are counted, those that came to no job, too', async () => {
  const { metrics, samples } = start()
  expect((await samples()).get('host_deployer_deploys_without_system_total')).toBe(0)
  const call = { rpc: 'DeployGuestFs', job: '1', status: 'OK', error: null, ms: 1, withoutSystem: false }
  const error = { code: 'INPUT_INVALID', phase: null, message: 'm', hint: null }
  for (const ended of [call, { ...call, withoutSystem: true }, { ...call, job: null, status: 'INVALID_ARGUMENT', error }])
    metrics.countCall(ended)
  const now = [...(await samples())].filter(([name]) => /rpcs|without/.test(name))
  expect(Object.fromEntries(now)).toEqual({
    'host_deployer_rpcs_total{rpc="DeployGuestFs",status="OK",code=""}': 2,
    'host_deployer_rpcs_total{rpc="DeployGuestFs",status="INVALID_ARGUMENT",code="INPUT_INVALID"}': 1,
    host_deployer_deploys_without_system_total: 1,
  })
})

test('codes without end, or with anything in them, do not become labels without end', async () => {
  const { work, samples } = start()
  for (let n = 0; n < 1000; n++) work.emit({ ...at, type: 'failed', id: 'x', kind: 'deploy', ms: 1, code: `FOREIGN_${n}` })
  work.emit({ ...at, type: 'failed', id: 'x', kind: 'deploy', ms: 1, code: 'pass"word\n' })
  const failures = [...(await samples())].filter(([name]) => name.startsWith('host_deployer_job_failures_total'))
  expect(failures).toHaveLength(201)
  expect(failures.find(([name]) => name.includes('"OTHER"'))?.[1]).toBe(801)
})

test('the state of work and driver is read at each scrape', async () => {
  const { work, samples } = start({
    usable: true,
    findings: [
      {
        subject: 'template',
        ok: true,
        detail: 'd',
        data: { start: 'clone', template: 'present', held: false, sizeBytes: 5, fileBytes: 4, ageMs: 1500, bootMs: 4000 },
      },
    ],
  })
  work.now = {
    ...idle,
    accepting: false,
    slots: { total: 5, busy: 2, quarantined: 1 },
    residue: [{ severity: 'warning', code: 'LEASE_NOT_FREED', summary: 's' }],
  }
  const now = await samples()
  expect([...now].filter(([name]) => /slots|accepting|residue|template|driver_usable|session_start/.test(name))).toEqual([
    ['host_deployer_slots', 5],
    ['host_deployer_slots_busy', 2],
    ['host_deployer_slots_quarantined', 1],
    ['host_deployer_accepting', 0],
    ['host_deployer_residue', 1],
    ['host_deployer_driver_usable', 1],
    ['host_deployer_template_state{state="off"}', 0],
    ['host_deployer_template_state{state="present"}', 1],
    ['host_deployer_template_state{state="absent"}', 0],
    ['host_deployer_template_state{state="failed"}', 0],
    ['host_deployer_template_state{state="impossible"}', 0],
    ['host_deployer_template_held', 0],
    ['host_deployer_template_size_bytes', 5],
    ['host_deployer_template_file_bytes', 4],
    ['host_deployer_template_age_seconds', 1.5],
    ['host_deployer_session_start_seconds{start="boot"}', 4],
  ])
})

test('no samples of a template for a driver that has none', async () => {
  const names = [...(await start().samples()).keys()]
  expect(names.filter((name) => /template|session_start/.test(name))).toEqual([])
  expect(names).toContain('host_deployer_driver_usable')
})
