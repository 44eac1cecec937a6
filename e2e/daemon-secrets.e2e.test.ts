import { chmod, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { DeployClient } from '@host-deployer/api/grpc'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { runCommand } from './lib/run-command.ts'
import { childrenOf, endDaemons, type RunningDaemon, startDaemon } from './lib/running-daemon.ts'
import { createKeyPair, createWorkspace, type Workspace } from './lib/workspace.ts'

// Canaries in every field that may hold a secret, the log at its most talkative; then everything is searched that anybody but the guest gets to see.

const canary = (where: string) => `cAnAry-${where}-7f3a`
const anyCanary = /cAnAry-[a-z-]+-7f3a/g
/** As base64 shows it, whatever stands in front. */
const encoded = ['cAnAry-', 'xcAnAry-', 'xxcAnAry-'].map((text) => Buffer.from(text).toString('base64').slice(4, -4))

let space: Workspace
let daemon: RunningDaemon
let client: DeployClient

beforeAll(async () => {
  space = await createWorkspace('daemon-secrets')
  // QEMU runs as another user.
  await chmod(space.directory, 0o711)
  daemon = await startDaemon(space, { logLevel: 'trace' })
  client = daemon.client()
})
afterAll(async () => {
  client.close()
  await endDaemons()
})

const found = (text: string): string[] => [...(text.match(anyCanary) ?? []), ...encoded.filter((part) => text.includes(part))]

/** Arguments and environment of the daemon's processes, and the files it works with, looked at again and again until `work` has ended. */
async function watched<T>(work: Promise<T>): Promise<{ readonly result: T; readonly seen: readonly string[]; readonly looks: number }> {
  const seen = new Set<string>()
  let isOver = false
  let looks = 0
  const look = async () => {
    while (!isOver) {
      looks += 1
      for (const pid of await family(daemon.pid)) {
        for (const name of ['cmdline', 'environ']) {
          const text = await readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')
          for (const one of found(text)) seen.add(`${name}: ${one}`)
        }
      }
      for (const directory of ['state', 'work']) {
        for (const text of await smallFiles(space.path(directory))) for (const one of found(text)) seen.add(`${directory}: ${one}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const looking = look()
  const result = await work.finally(() => {
    isOver = true
  })
  await looking
  return { result, seen: [...seen], looks }
}

async function family(pid: number): Promise<number[]> {
  const children = await childrenOf(pid)
  return [pid, ...(await Promise.all(children.map(family))).flat()]
}

async function smallFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return await Promise.all(
    paths.map(async (path) => {
      const sizeBytes = await stat(path).then(
        (stats) => stats.size,
        () => 0,
      )
      return sizeBytes > 2 ** 20 ? '' : await readFile(path, 'latin1').catch(() => '')
    }),
  )
}

test('no secret of a request is in a log, an answer, a metric, a status, a process list or a file of ours', async () => {
  const path = space.path('disk.raw')
  await createPhonyDisk(path, { type: 'ext4', sizeBytes: 64 * 2 ** 20 })
  const request = (uuid: string) => ({
    disk_info: { path },
    guest_desc: { name: 'web1', hostname: 'web1', uuid, disks: [{ path, format: 'raw' }] },
    deploy_info: {
      is_init: true,
      default_root_user: true,
      password: canary('password'),
      user_data: `#!/bin/sh\necho ${canary('user-data')}\n`,
      deploys: [{ path: '/root/token', content: canary('content'), action: 'create' }],
      public_key: { public_key: createKeyPair('alice').publicKey },
      telegraf: { telegraf_conf: `token = "${canary('telegraf')}"` },
    },
  })
  const answers: string[] = []
  const failed = async (call: Promise<unknown>) => {
    answers.push(
      await call.then(
        () => 'done',
        (error: unknown) => inspect(error, { depth: null, showHidden: true }),
      ),
    )
  }

  const deploy = await watched(client.deployGuestFs(request('one')))
  // A look takes as long as the machine is busy.
  expect(deploy.looks).toBeGreaterThan(2)
  expect(deploy.seen).toEqual([])
  // Its password comes back as the field's clients want it, which is no plain text.
  expect(found(inspect(deploy.result, { depth: null }))).toEqual([])
  expect((await readFile(path, 'latin1')).includes(canary('content'))).toBe(true)

  const good = request('two')
  await failed(client.deployGuestFs({ ...good, disk_info: { path: '/etc/hostname', encrypt_password: canary('luks') } }))
  await failed(client.deployGuestFs({ ...good, disk_info: { path: space.path('none'), encrypt_password: canary('luks') } }))
  await failed(client.deployGuestFs({ ...good, vddk_info: { host: 'h', user: 'u', passwd: canary('vddk'), port: 1 } } as never))
  await failed(
    client.deployGuestFs({
      ...good,
      deploy_info: {
        ...good.deploy_info,
        deploys: [{ path: `\0${canary('path')}`, content: canary('content') }],
        password: `\0${canary('password')}`,
      },
    }),
  )
  await failed(client.deployGuestFs({ ...good, deploy_info: { ...good.deploy_info, public_key: { public_key: canary('key') } } }))
  await failed(client.deployGuestFs(request('late'), { timeoutMs: 700 }))
  for (const answer of answers) expect(found(answer).filter((one) => one !== canary('path'))).toEqual([])
  expect(answers.filter((answer) => answer !== 'done').length).toBeGreaterThan(3)

  const settings = ['--settings', space.path('settings.yaml')]
  for (const verb of ['status', 'metrics']) {
    const { stdout } = await runCommand(verb, ...settings)
    expect(stdout).toContain('host')
    expect(found(stdout)).toEqual([])
  }
  expect(found((await runCommand('status', '--json', ...settings)).stdout)).toEqual([])
  await daemon.end('SIGTERM')
  const log = await readFile(space.path('daemon.log'), 'utf8')
  expect(log).toContain('"level":"debug"')
  expect(found(log)).toEqual([])
})
