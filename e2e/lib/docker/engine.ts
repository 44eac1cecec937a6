import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { cacheDirectory } from '../cache.ts'

/** A Docker engine that Testcontainers finds. */
export interface DockerEngine {
  /** Ends the engine if it was started here, and waits for its end. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 180_000
const STOP_TIMEOUT_MS = 120_000
/** Another run with the same data, in another checkout perhaps. */
const WAIT_FOR_OTHERS_SECONDS = 900

/**
 * Starts a Docker engine for one test file, unless this machine has one that answers. Its images stay in the cache, so that only the first run makes them;
 * everything else is private and goes. It has no bridge and touches no packet filter: containers here talk over unix sockets.
 */
export async function startDockerEngine(name: string): Promise<DockerEngine> {
  // There is no registry to take the reaper's image from; what is started here ends with the engine.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true'
  // On a machine that is a container itself it would ask the bridge for its gateway, and there is none.
  process.env['TESTCONTAINERS_HOST_OVERRIDE'] = 'localhost'
  if (process.env['DOCKER_HOST'] !== undefined || (await answers('/var/run/docker.sock'))) return { stop: async () => {} }

  const data = join(cacheDirectory(), 'docker', name)
  await mkdir(data, { recursive: true })
  // Short: the engine puts sockets below it.
  const run = await mkdtemp('/run/hd-docker-')
  const socket = join(run, 'docker.sock')
  await writeFile(join(run, 'daemon.json'), '{}')
  let said = ''
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'TERM', 'flock', '--close', '--timeout', String(WAIT_FOR_OTHERS_SECONDS), `${data}.lock`],
      ...['setpriv', '--pdeathsig', 'TERM', 'dockerd', '--config-file', join(run, 'daemon.json'), '--host', `unix://${socket}`],
      ...['--data-root', data, '--exec-root', join(run, 'exec'), '--pidfile', join(run, 'docker.pid')],
      ...['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--log-level', 'warn'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: '/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: run } },
  )
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-16_384)
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.once('error', (error) => {
    said = `${said}\n${error.message}`
  })

  const stop = async (): Promise<void> => {
    // To the engine itself: it takes its containers and containerd along.
    const pid = Number(await readFile(join(run, 'docker.pid'), 'utf8').catch(() => ''))
    if (pid > 0 && child.exitCode === null) process.kill(pid, 'SIGTERM')
    else child.kill('SIGTERM')
    await Promise.race([ended, delay(STOP_TIMEOUT_MS, undefined, { ref: false })])
    child.kill('SIGKILL')
    // Left behind for containers in the host's network.
    await execa('umount', ['--quiet', join(run, 'exec', 'netns', 'default')], { reject: false })
    await rm(run, { recursive: true, force: true })
    delete process.env['DOCKER_HOST']
  }

  let waitedMs = 0
  while (!(await answers(socket))) {
    const isWaiting = (await readFile(join(run, 'docker.pid'), 'utf8').catch(() => '')) === ''
    if (!isWaiting) waitedMs += 100
    if (child.exitCode !== null || waitedMs > START_TIMEOUT_MS) {
      await stop()
      throw new Error(`the Docker engine does not start\n${said}`)
    }
    await delay(100)
  }
  process.env['DOCKER_HOST'] = `unix://${socket}`
  return { stop }
}

/** Whether an engine answers there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (yes: boolean): void => {
      socket.destroy()
      resolve(yes)
    }
    socket.once('error', () => settle(false))
    socket.once('connect', () => socket.write('GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n'))
    socket.once('data', (bytes) => settle(bytes.toString('latin1').includes(' 200 ')))
    socket.setTimeout(2000, () => settle(false))
  })
}
