import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Secret } from '@host-deployer/api'
import { DeployError, InputError } from '@host-deployer/driver-api'
import { describe, expect, test } from 'vitest'
import { createLogger } from './create-logger.ts'
import { logWork } from './log-work.ts'
import { redact } from './redact.ts'
import { scriptedWork } from './testing/scripted-work.ts'

const canary = 'cAnAry7secret'

function start(logLevel: 'trace' | 'info' = 'trace') {
  const lines: string[] = []
  return {
    logger: createLogger({ logLevel }, { write: (line: string) => void lines.push(line) }),
    raw: () => lines.join(''),
    lines: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

test('a line is one JSON object with level, time and event', () => {
  const { logger, lines, raw } = start()
  logger.info('job.done', { ms: 3, text: 'a\nb\u001b[31m' })
  expect(lines()).toEqual([
    { level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), event: 'job.done', ms: 3, text: 'a\nb\u001b[31m' },
  ])
  expect(raw().split('\n')).toHaveLength(2)
  expect(Object.keys(lines()[0] ?? {})).toEqual(['level', 'time', 'event', 'ms', 'text'])
  expect(raw()).not.toContain('\u001b')
})

test('the level changes while running, for children too', () => {
  const { logger, lines } = start('info')
  const child = logger.child({ job: '1' })
  child.debug('a')
  logger.level = 'debug'
  child.debug('b')
  logger.level = 'error'
  child.warn('c')
  child.error('d')
  expect(lines().map(({ event }) => event)).toEqual(['b', 'd'])
})

test('fields cannot pose as parts of the line, nor as another job', () => {
  const { logger, lines } = start()
  logger.child({ job: '1' }).warn('x', { job: '2', level: 'error', event: 'y', time: 0 })
  expect(lines()[0]).toMatchObject({ level: 'warn', event: 'x', job: '1', level_: 'error', event_: 'y', time_: 0 })
})

const circular: Record<string, unknown> = {}
circular['self'] = circular
const hash = `$6$salt$${canary}abcdefgh`

describe('a secret is not printed', () => {
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['by its type', { value: new Secret(canary), list: [new Secret(canary)], map: { x: new Secret(canary) } }],
    [
      'by its name',
      { password: canary, login: { Plain_Text_Passwd: canary }, 'private-key': [canary], encryptKey: canary, userData: { a: canary } },
    ],
    ['by its form: a crypt hash', { line: `root:${hash}:19000::` }],
    ['by its form: a private key', { text: `x\n-----BEGIN OPENSSH PRIVATE KEY-----\n${canary}\n-----END OPENSSH PRIVATE KEY-----` }],
    ['by its form: half a private key', { text: `-----BEGIN RSA PRIVATE KEY-----\n${canary}` }],
    ['by its form: a URL', { url: `https://user:${canary}@example.org/` }],
    ['as bytes', { bytes: Buffer.from(canary), view: new Uint8Array(Buffer.from(canary)) }],
    ['in a Map or Set', { map: new Map([['a', canary]]), set: new Set([canary]) }],
    ['in an error', { error: new InputError('INPUT_INVALID', `bad ${hash}`, { context: { password: canary }, cause: new Error(hash) }) }],
    ['in a foreign error', { error: Object.assign(new Error('failed'), { stdin: canary, cmd: [canary], options: { input: canary } }) }],
    ['deep down', { a: { b: { c: { d: { e: { f: { g: { h: canary } } } } } } } }],
    ['behind toJSON', { x: { toJSON: () => ({ token: canary }) } }],
    [
      'in a getter that throws',
      {
        get x() {
          throw new Error(canary)
        },
      },
    ],
  ])('%s', (_, fields) => {
    const { logger, raw, lines } = start()
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) {
      logger[level]('event', fields)
      logger.child(fields)[level]('event')
    }
    expect(lines()).toHaveLength(10)
    expect(raw()).not.toContain(canary)
    expect(raw()).not.toContain(Buffer.from(canary).toString('base64'))
    expect(raw()).not.toContain(Buffer.from(canary).toJSON().data.join(','))
  })

  test('on any way from the work', () => {
    const { logger, raw, lines } = start()
    const work = scriptedWork()
    const stop = logWork(work, logger)
    work.emit(
      { type: 'queued', id: 'j1', kind: 'deploy', label: `x ${hash}`, client: 'c', image: `/i/${hash}` },
      { type: 'started', id: 'j1', kind: 'deploy', waitedMs: 1 },
      { type: 'phase', id: 'j1', kind: 'deploy', phase: 'open', ms: 1 },
      { type: 'log', id: 'j1', level: 'info', event: `exec ${hash}`, fields: { password: canary, argv: ['mount', `-o=${hash}`] } },
      { type: 'done', id: 'j1', kind: 'deploy', ms: 1, diagnostics: [{ severity: 'warning', code: 'X_Y', summary: hash, detail: hash }] },
      { type: 'failed', id: 'j1', kind: 'deploy', ms: 1, code: 'INTERNAL', phase: null, message: hash, hint: hash },
      { type: 'worker-lost', id: 'j1', exitCode: 1, signal: null },
      { type: 'reclaimed', findings: [{ severity: 'info', code: 'LEASE_FREED', summary: hash }] },
    )
    stop()
    work.emit({ type: 'started', id: 'j2', kind: 'deploy', waitedMs: 1 })
    expect(raw()).not.toContain(canary)
    const ofJob = lines().filter(({ event }) => event !== 'reclaim')
    expect(ofJob.map(({ job }) => job)).toEqual(ofJob.map(() => 'j1'))
    expect(lines().map(({ level, event }) => `${level} ${event}`)).toEqual([
      'info job.queued',
      'info job.started',
      'debug job.phase',
      'info exec [secret]',
      'info job.done',
      'warn job.finding',
      'error job.failed',
      'error worker.lost',
      'info reclaim',
    ])
  })
})

test('a warning of each job on this host is a warning once', () => {
  const { logger, lines } = start()
  const work = scriptedWork()
  logWork(work, logger)
  for (const id of ['1', '2'])
    work.emit({ type: 'done', id, kind: 'deploy', ms: 1, diagnostics: [{ severity: 'warning', code: 'KVM_UNUSABLE', summary: 's' }] })
  work.emit({ type: 'done', id: '3', kind: 'deploy', ms: 1, diagnostics: [{ severity: 'warning', code: 'KVM_UNUSABLE', summary: 't' }] })
  expect(
    lines()
      .filter(({ event }) => event === 'job.finding')
      .map(({ level, job }) => `${level} ${job}`),
  ).toEqual(['warn 1', 'debug 2', 'warn 3'])
  expect(
    lines()
      .filter(({ event }) => event === 'job.done')
      .map(({ findings }) => findings),
  ).toEqual(Array(3).fill(['KVM_UNUSABLE']))
})

test('what is large, circular or strange is cut, and does not fail', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, n]))
  const { logger, raw } = start()
  logger.info('x', {
    circular,
    many,
    list: new Array(10_000).fill('y'),
    text: 'z'.repeat(1e6),
    big: 1n,
    f: () => 1,
    s: Symbol('s'),
    date: new Date(NaN),
  })
  expect(raw().length).toBeLessThan(20_000)
  expect(JSON.parse(raw())).toMatchObject({ event: 'x', big: '1', f: '[function]', circular: { self: '[circular]' } })
})

test('what says whether a secret was given stays', () => {
  expect(redact({ password: true, token: null, passwordCount: 2 })).toEqual({ password: true, token: null, passwordCount: 2 })
})

test('an error of ours keeps what helps', () => {
  const error = new DeployError('IMAGE_LOCKED', 'm', { hint: 'h', context: { path: '/i' } })
  expect(redact(error)).toMatchObject({ code: 'IMAGE_LOCKED', message: 'm', hint: 'h', context: { path: '/i' } })
})

test('lines go to standard error, also the last ones of a process that dies', () => {
  const program = `
    const { createLogger } = await import(${JSON.stringify(join(import.meta.dirname, 'create-logger.ts'))})
    const logger = createLogger({ logLevel: 'info' })
    for (let n = 0; n < 500; n++) logger.info('line', { n })
    process.kill(process.pid, 'SIGKILL')
  `
  const { stdout, stderr, signal } = spawnSync(
    process.execPath,
    ['--conditions=@host-deployer/source', '--input-type=module', '-e', program],
    {
      encoding: 'utf8',
    },
  )
  expect([stdout, signal]).toEqual(['', 'SIGKILL'])
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'))
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ event: 'line', n: 499 })
})
