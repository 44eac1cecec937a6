import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath, type Logger } from '@host-deployer/driver-api'
import type { DaemonConfig } from '../../config/daemon-config.ts'
import type { Job, JobReports } from '../../work/job.ts'
import type { SubmitOptions, Work } from '../../work/work.ts'
import { createGrpcServer, type GrpcServer } from '../grpc-server.ts'
import type { RpcCall } from '../rpc-call.ts'
import { deployReport, formatReport, growReport, probeReport } from './reports.ts'

export interface Submitted {
  readonly job: Job
  readonly options: SubmitOptions
}

export interface ServedWire {
  readonly socketPath: string
  readonly server: GrpcServer
  /** The jobs that came out of requests. */
  readonly submitted: Submitted[]
  readonly calls: RpcCall[]
  readonly lines: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> | undefined }[]
  stop(): Promise<void>
}

/** The real server over a real socket; jobs are answered by `answer`, or with a report that has nothing special in it. */
export async function serveWire(
  options: { readonly answer?: (submitted: Submitted) => Promise<unknown>; readonly config?: Partial<DaemonConfig> } = {},
): Promise<ServedWire> {
  const directory = await mkdtemp(join(tmpdir(), 'wire-'))
  const socketPath = join(directory, 'deploy.sock')
  const submitted: Submitted[] = []
  const calls: RpcCall[] = []
  const lines: ServedWire['lines'] = []
  const log = (event: string, fields?: Readonly<Record<string, unknown>>) => void lines.push({ event, fields })
  const logger: Logger = { debug: log, info: log, warn: log }
  const submit = async <Kind extends Job['kind']>(job: Extract<Job, { kind: Kind }>, submitOptions: SubmitOptions) => {
    submitted.push({ job, options: submitOptions })
    submitOptions.onQueued?.(`job-${submitted.length}`)
    const answer = options.answer ?? (async ({ job: { kind } }: Submitted) => plain[kind])
    return (await answer({ job, options: submitOptions })) as JobReports[Kind]
  }
  const work: Work = {
    submit,
    snapshot: () => {
      throw new TypeError('Nobody asks')
    },
    on: () => () => undefined,
    drain: async () => undefined,
  }
  const config = configFor(socketPath, options.config)
  const server = await createGrpcServer({ config: () => config, work, logger, observe: (call) => void calls.push(call) })
  return {
    socketPath,
    server,
    submitted,
    calls,
    lines,
    stop: async () => {
      await server.stop(0)
      await rm(directory, { recursive: true })
    },
  }
}

const plain: JobReports = { deploy: deployReport('root'), probe: probeReport, grow: growReport, format: formatReport }

const configFor = (socketPath: string, changes: Partial<DaemonConfig> = {}): DaemonConfig => ({
  socketPath: hostPath(socketPath),
  adminSocketPath: hostPath('/nowhere/admin.sock'),
  concurrency: 1,
  queueLimit: 1,
  driver: 'none',
  driverOptions: {},
  workDirectory: hostPath('/nowhere'),
  stateDirectory: hostPath('/nowhere'),
  cacheDirectory: hostPath('/nowhere'),
  imageRoots: [],
  jobTimeoutMs: 1000,
  drainTimeoutMs: 1000,
  cloudrootDir: '/opt',
  privateNetworks: [],
  metadataIpv4Addresses: [],
  metadataIpv6Addresses: [],
  allowVmSelinux: true,
  ext4LargefileSizeGib: 4096,
  ext4HugefileSizeGib: 512,
  logLevel: 'info',
  spareWorkers: 0,
  ...changes,
})
