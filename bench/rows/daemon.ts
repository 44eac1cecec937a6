import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import type { DeployReport } from '@host-deployer/api'
import { createDeployClient } from '@host-deployer/api/grpc'
import { cacheDirectory } from '@host-deployer/e2e/lib/cache'
import { type Benchmark, timed } from '../benchmark.ts'
import { runBuilt } from '../built-command.ts'
import { type BuiltDaemon, startBuiltDaemon } from '../built-daemon.ts'
import type { Place } from '../place.ts'

const HEALTH_CALLS = 200

/** `Check` of grpc.health.v1.Health, by hand: an empty request, the answer's first field is 1 (SERVING). */
function check(client: Client): Promise<void> {
  const bytes = (value: Buffer) => value
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', bytes, bytes, Buffer.alloc(0), (error, answer) => {
      if (error) reject(error)
      else if (answer?.equals(Buffer.from([8, 1])) !== true) reject(new Error('the daemon does not serve'))
      else resolve()
    })
  })
}

/** Calls one after another on one connection; a daemon is started for them. */
export function grpcHealthBenchmark(place: Place): Benchmark {
  return {
    rows: ['grpcHealth'],
    pace: 'ours',
    run: () =>
      withDaemon(place, async ({ socketPath }) => {
        const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' })
        try {
          for (let call = 0; call < HEALTH_CALLS; call++) await check(client)
          const { seconds } = await timed(async () => {
            for (let call = 0; call < HEALTH_CALLS; call++) await check(client)
          })
          return { grpcHealth: seconds / HEALTH_CALLS }
        } finally {
          client.close()
        }
      }),
  }
}

/** The same few things done to a fresh copy of the image: by a call to a daemon that runs, and by the command, start to exit. */
export function daemonDeployBenchmark(place: Place): Benchmark {
  const password = 'a Long Passw0rd'
  async function call({ socketPath }: BuiltDaemon, image: string): Promise<number> {
    const client = createDeployClient(socketPath)
    try {
      const params = {
        disk_info: { path: image },
        guest_desc: { name: 'bench', hostname: 'bench', uuid: '6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d' },
        deploy_info: { is_init: true, password, default_root_user: true },
      }
      return (await timed(() => client.deployGuestFs(params))).seconds
    } finally {
      client.close()
    }
  }
  async function command(image: string): Promise<number> {
    const secret = join(place.directory, 'password')
    await writeFile(secret, `${password}\n`, { mode: 0o600 })
    const { seconds, report } = await runBuilt<DeployReport>(['deploy', image, '--hostname', 'bench', '--root-password-file', secret])
    if (!report.changed) throw new Error('the deploy changed nothing')
    return seconds
  }
  const both = () =>
    withDaemon(place, async (daemon) => {
      // The first job finds a worker that is still loading.
      await call(daemon, await place.copy('grpc-first'))
      const grpcDeploy = await call(daemon, await place.copy('grpc'))
      return { grpcDeploy, commandDeploy: await command(await place.copy('command')) }
    })
  return { rows: ['grpcDeploy', 'commandDeploy'], pace: 'ours', warmUp: both, run: both }
}

/**
 * From the spawn of the daemon until it serves, with a template and without one; and without one until that is made. The verdict on KVM is there in
 * either case: it is found out once for each boot of the host.
 */
export function daemonStartBenchmark(place: Place): Benchmark {
  return {
    rows: ['daemonReady', 'daemonReadyNoTemplate', 'daemonTemplateMade'],
    pace: 'slow',
    async run() {
      const daemonReady = await withDaemon(place, (daemon) => daemon.secondsUntil('daemon.ready'))
      const cache = join(place.directory, 'cold-cache')
      await rm(cache, { recursive: true, force: true })
      await mkdir(cache, { mode: 0o700 })
      await cp(join(cacheDirectory(), 'kvm-verdict'), join(cache, 'kvm-verdict'), { recursive: true })
      return await withDaemon(
        place,
        async (daemon) => ({
          daemonReady,
          daemonReadyNoTemplate: await daemon.secondsUntil('daemon.ready'),
          daemonTemplateMade: await daemon.secondsUntil('driver.prepared'),
        }),
        cache,
      )
    },
  }
}

async function withDaemon<T>(place: Place, work: (daemon: BuiltDaemon) => Promise<T>, cache?: string): Promise<T> {
  const daemon = await startBuiltDaemon(place, cache)
  try {
    await daemon.secondsUntil('daemon.ready')
    return await work(daemon)
  } finally {
    await daemon.stop()
  }
}
