import { writeFile } from 'node:fs/promises'
import { type ExecaError, execa } from 'execa'
import { Client, type ConnectConfig } from 'ssh2'

/** A guest that runs from its image by its own boot loader, with user-mode networking that reaches nothing but us. */
export interface RunningGuest extends AsyncDisposable {
  /** Everything the serial console said so far. */
  console(): string
  /** Resolves when the console matches; rejects with the console's tail when the guest ends or `timeoutMs` passes first. */
  waitForConsole(pattern: RegExp, timeoutMs?: number): Promise<void>
  /** Logs in and runs commands; retried while sshd is not up yet. */
  login(user: string, auth: Pick<ConnectConfig, 'password' | 'privateKey'>, timeoutMs?: number): Promise<GuestShell>
  /** Powers off through ACPI and waits; rejects, the guest killed, when that takes too long. */
  powerOff(): Promise<void>
  /** The same without the services being stopped one by one, which takes seconds: they are killed, and file systems are unmounted. `root` is root's. */
  powerOffAtOnce(root: GuestShell): Promise<void>
}

export interface GuestShell extends Disposable {
  run(command: string): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>
}

export interface BootOptions {
  readonly format: 'qcow2' | 'raw'
  /** The guest's own IPv4 address in the user-mode network (10.0.2.0/24), as it was configured. */
  readonly address?: string
  readonly mac?: string
  /** Attach a NoCloud data source as a second disk: an ISO or vfat image labelled `cidata`. */
  readonly seedImage?: string
  readonly memoryMb?: number
}

const bootTimeoutMs = 420_000
const powerOffTimeoutMs = 120_000
let bootCount = 0

export async function bootGuest(image: string, options: BootOptions): Promise<RunningGuest> {
  // Nobody pulls the plug of this machine: the guest's flushes need not reach its disk.
  const cache = { 'no-flush': true }
  const disk = { driver: options.format, 'node-name': 'disk', cache, file: { driver: 'file', filename: image, cache } }
  const netdev = {
    type: 'user',
    id: 'net',
    restrict: true,
    ipv6: false,
    // A port that QEMU finds free and keeps: one that was looked for before could be somebody else's by now.
    hostfwd: [{ str: `tcp:127.0.0.1:0-${options.address ?? '10.0.2.15'}:22` }],
  }
  const args = [
    // No controllers that nothing is attached to: the guest would load their drivers.
    ...['-nodefaults', '-no-user-config', '-machine', 'q35,sata=off,smbus=off,vmport=off', '-accel', 'tcg', '-display', 'none'],
    // In emulation the model with the fewest features is the quickest. Without svm the guest does not load kvm.
    ...['-cpu', 'qemu64,-svm', '-m', String(options.memoryMb ?? 512)],
    ...['-blockdev', JSON.stringify(disk), '-device', 'virtio-blk-pci,drive=disk,bootindex=0'],
    ...['-netdev', JSON.stringify(netdev), '-device', `virtio-net-pci,netdev=net,mac=${options.mac ?? '52:54:00:12:34:56'}`],
    ...['-device', 'virtio-rng-pci', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
    ...['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control'],
    ...(options.seedImage === undefined
      ? []
      : [
          '-blockdev',
          JSON.stringify({ driver: 'raw', 'node-name': 'seed', 'read-only': true, file: { driver: 'file', filename: options.seedImage } }),
        ].concat('-device', 'virtio-blk-pci,drive=seed')),
  ]
  const qemu = execa('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    buffer: false,
    reject: false,
    forceKillAfterDelay: 1000,
  })
  let text = ''
  let ended: string | undefined
  const qmpLog: string[] = []
  const listeners = new Set<() => void>()
  const notify = () => {
    for (const listener of listeners) listener()
  }
  qemu.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    notify()
  })
  qemu.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += `[qemu] ${chunk}`
  })
  const port = Promise.withResolvers<number>()
  const qmp = qemu.stdio[3] as unknown as NodeJS.ReadWriteStream
  let answers = ''
  qmp.on('data', (chunk: Buffer) => {
    qmpLog.push(`< ${chunk}`)
    answers += chunk
    const [, forwarded] = /HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s/.exec(answers) ?? []
    if (forwarded !== undefined) port.resolve(Number(forwarded))
  })
  qmp.on('error', () => {})
  const tellQmp = (command: object) => {
    const line = `${JSON.stringify(command)}\n`
    qmpLog.push(`> ${line}`)
    qmp.write(line)
  }
  const exited = qemu.then((result) => {
    ended = `QEMU ended (${(result as ExecaError).exitCode ?? (result as ExecaError).signal})`
    port.reject(new Error(`${ended}: ${text}`))
    notify()
  })
  // Who does not log in does not ask.
  port.promise.catch(() => {})
  tellQmp({ execute: 'qmp_capabilities' })
  tellQmp({ execute: 'human-monitor-command', arguments: { 'command-line': 'info usernet' } })
  const untilOff = async (order: () => void): Promise<void> => {
    if (ended !== undefined) return
    const said = text.length
    order()
    let late = false
    const timer = setTimeout(() => {
      late = true
      qemu.kill('SIGKILL')
    }, powerOffTimeoutMs)
    await exited
    clearTimeout(timer)
    if (late) throw new Error(`Not off within ${powerOffTimeoutMs} ms; since then the console said:\n${text.slice(said)}`)
  }

  const guest: RunningGuest = {
    console: () => text,
    waitForConsole(pattern, timeoutMs = bootTimeoutMs) {
      return new Promise((resolve, reject) => {
        const settle = (error?: Error) => {
          clearTimeout(timer)
          listeners.delete(look)
          if (error === undefined) resolve()
          else reject(error)
        }
        const look = () => {
          if (pattern.test(text)) settle()
          else if (ended !== undefined) settle(new Error(`${ended} before ${pattern}; the console ends with:\n${text.slice(-3000)}`))
        }
        const timer = setTimeout(
          () => settle(new Error(`No ${pattern} within ${timeoutMs} ms; the console ends with:\n${text.slice(-3000)}`)),
          timeoutMs,
        )
        listeners.add(look)
        look()
      })
    },
    async login(user, auth, timeoutMs = 300_000) {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        try {
          return await connect({ host: '127.0.0.1', port: await port.promise, username: user, readyTimeout: 60_000, ...auth })
        } catch (error) {
          // A refused login is an answer; a refused or reset connection means that sshd is not there yet.
          const level = (error as { level?: string }).level
          if (level === 'client-authentication' || Date.now() > deadline || ended !== undefined) throw error
          await new Promise((resolve) => setTimeout(resolve, 250))
        }
      }
    },
    powerOff: () => untilOff(() => tellQmp({ execute: 'system_powerdown' })),
    // Its connection ends before its answer comes.
    powerOffAtOnce: (root) => untilOff(() => void root.run('systemctl poweroff --force').catch(() => {})),
    async [Symbol.asyncDispose]() {
      if (ended === undefined) qemu.kill('SIGKILL')
      await exited
      bootCount += 1
      await writeFile(`${image}.boot-${bootCount}.console.log`, text)
      await writeFile(`${image}.boot-${bootCount}.qmp.log`, qmpLog.join(''))
    },
  }
  return guest
}

function connect(config: ConnectConfig): Promise<GuestShell> {
  return new Promise((resolve, reject) => {
    const client = new Client()
    client
      .on('ready', () => resolve(shell(client)))
      .on('error', reject)
      // The host key is new with each test guest, and the port is ours on loopback.
      .connect({ ...config, hostVerifier: () => true })
  })
}

function shell(client: Client): GuestShell {
  client.on('error', () => {})
  return {
    run: (command) =>
      new Promise((resolve, reject) => {
        client.exec(command, (error, channel) => {
          if (error) return reject(error)
          let stdout = ''
          let stderr = ''
          channel.setEncoding('utf8').on('data', (chunk: string) => {
            stdout += chunk
          })
          channel.stderr.setEncoding('utf8').on('data', (chunk: string) => {
            stderr += chunk
          })
          channel.on('close', (exitCode: number) => resolve({ exitCode, stdout, stderr }))
          return undefined
        })
      }),
    [Symbol.dispose]: () => client.end(),
  }
}
