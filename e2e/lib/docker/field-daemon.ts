import { link, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createDeployClient, type DeployClient } from '@host-deployer/api/grpc'
import type { StatusDocument } from '@host-deployer/daemon'
import { execa } from 'execa'
import { getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers'
import { ensureImage } from '../build-image.ts'
import type { ImageName } from '../image-definitions.ts'
import { askStatus } from '../running-daemon.ts'
import { type ContainerLimits, mustExec, PlainContainer } from './container.ts'

/** What lies on a host of the field, below a directory instead of `/`. */
export interface FieldHost {
  readonly directory: string
  /** Of the gRPC socket, outside of the container. */
  readonly socketPath: string
  /** Swaps the ConfigMap as the kubelet does: a new directory, and one symbolic link that turns to it. */
  writeConfigMap(text: string): Promise<void>
  /** A disk on a cached base, as templates' disks are. Gives its path as the daemon knows it; `outside` tells where it is. */
  createDisk(name: string, base: ImageName): Promise<string>
  outside(path: string): string
}

const STORAGE = '/opt/cloud/workspace/disks'

/** Makes the host: host.conf that names the common file, a ConfigMap, storage with an image cache. */
export async function createFieldHost(directory: string, common: string): Promise<FieldHost> {
  const configMap = join(directory, 'etc', 'yunion', 'common')
  const storage = join(directory, STORAGE)
  for (const path of [configMap, join(storage, 'image_cache'), join(directory, 'run', 'onecloud')]) await mkdir(path, { recursive: true })
  await writeFile(
    join(directory, 'etc', 'yunion', 'host.conf'),
    `region: Region0\ncommon_config_file: /etc/yunion/common/common.conf\nlocal_image_path:\n- ${STORAGE}\ndeploy_guest_mem_size_mb: 256\n`,
  )
  let version = 0
  const writeConfigMap = async (text: string): Promise<void> => {
    version += 1
    const name = `..2026_11_23_${version}`
    await mkdir(join(configMap, name))
    await writeFile(join(configMap, name, 'common.conf'), text)
    await symlink(name, join(configMap, '..data_tmp'))
    await rename(join(configMap, '..data_tmp'), join(configMap, '..data'))
  }
  await writeConfigMap(common)
  await symlink('..data/common.conf', join(configMap, 'common.conf'))
  return {
    directory,
    socketPath: join(directory, 'run', 'onecloud', 'deploy.sock'),
    writeConfigMap,
    outside: (path) => join(directory, path),
    async createDisk(name, base) {
      const cached = join(storage, 'image_cache', `${base}.qcow2`)
      const source = await ensureImage(base)
      await link(source, cached).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EXDEV') return execa('cp', ['--sparse=always', source, cached])
        if (error.code !== 'EEXIST') throw error
      })
      const { stdout } = await execa('qemu-img', ['info', '--output=json', cached])
      const size = String((JSON.parse(stdout) as { 'virtual-size': number })['virtual-size'])
      // Unsafe only in that the base is not looked at: inside the container it has another path.
      const inside = `${STORAGE}/image_cache/${base}.qcow2`
      await execa('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', inside, join(storage, `${name}.qcow2`), size])
      return `${STORAGE}/${name}.qcow2`
    },
  }
}

/** The whole command line of the field's DaemonSet. */
export const fieldCommand = [
  '/opt/yunion/bin/host-deployer',
  ...['--common-config-file', '/etc/yunion/common/common.conf', '--config', '/etc/yunion/host.conf'],
]

export interface FieldDaemon {
  readonly container: StartedTestContainer
  readonly client: DeployClient
  status(): Promise<StatusDocument>
  /** Polls the status until it is as wished; throws with the last one and the log after two minutes. */
  until(wished: (status: StatusDocument) => boolean): Promise<StatusDocument>
  /** `docker kill`. */
  kill(): Promise<void>
  /** `docker stop`; gives the exit code. */
  stop(): Promise<number>
  log(): Promise<string>
  remove(): Promise<void>
}

const WAIT_MS = 120_000
/** What Kubernetes gives a pod that does not say, as the field's. */
const STOP_SECONDS = 30
/** Where the image's settings put it, on a mount of the host's. */
const ADMIN_SOCKET = '/opt/cloud/host-deployer/state/admin.sock'

/** Starts the image as the field's DaemonSet does: command line, mounts. */
export function startFieldContainer(image: string, host: FieldHost, limits: ContainerLimits): Promise<StartedTestContainer> {
  const mount = (source: string, target: string, mode: 'rw' | 'ro' = 'rw') => ({ source, target, mode })
  return new PlainContainer(image, limits)
    .withCommand(fieldCommand)
    .withTmpFs({ '/tmp': '' })
    .withBindMounts([
      mount(host.outside('/etc/yunion'), '/etc/yunion'),
      mount(host.outside('/opt/cloud'), '/opt/cloud'),
      mount(host.outside('/run/onecloud'), '/var/run/onecloud'),
      ...[mount('/dev', '/dev'), mount('/usr/local', '/usr/local', 'ro'), mount('/sys', '/sys', 'ro')],
    ])
    .start()
}

/** {@link startFieldContainer}; resolves when the daemon in it is ready. */
export async function startFieldDaemon(image: string, host: FieldHost, limits: ContainerLimits): Promise<FieldDaemon> {
  const started = await startFieldContainer(image, host, limits)
  const { dockerode } = (await getContainerRuntimeClient()).container
  const container = dockerode.getContainer(started.getId())
  const client = createDeployClient(host.socketPath)
  const log = async (): Promise<string> => (await container.logs({ stdout: true, stderr: true, tail: 200 })).toString('utf8')
  const status = async () => JSON.parse(await mustExec(started, ['host-deployer', 'status', '--json'])) as StatusDocument
  const daemon: FieldDaemon = {
    container: started,
    client,
    status,
    log,
    async until(wished) {
      let last: unknown
      for (const end = performance.now() + WAIT_MS; performance.now() < end; await delay(50)) {
        const now = await askStatus<StatusDocument>(host.outside(ADMIN_SOCKET)).catch((error: unknown) => {
          last = error
        })
        if (now === undefined) continue
        if (wished(now)) return now
        last = JSON.stringify(now)
      }
      throw new Error(`the daemon is not as it should be\n${last}\n${await log()}`)
    },
    async kill() {
      client.close()
      await container.kill()
      await container.wait()
    },
    async stop() {
      client.close()
      await container.stop({ t: STOP_SECONDS })
      return (await container.inspect()).State.ExitCode
    },
    async remove() {
      client.close()
      await container.remove({ force: true, v: true })
    },
  }
  await daemon.until(({ ready }) => ready)
  return daemon
}
