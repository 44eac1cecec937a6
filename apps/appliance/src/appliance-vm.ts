// A bare harness for this package's integration tests: boots an appliance under emulation and talks SSH to it. The driver does this for real.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { generateSshKeyPair, type SshKeyPair } from '@host-deployer/driver-kit'
import type { Appliance } from '@host-deployer/driver-qemu-initramfs/appliance'
import { writeCpio } from '@host-deployer/driver-qemu-initramfs/cpio'
import ssh2 from 'ssh2'

export interface ApplianceVm extends AsyncDisposable {
  /** Milliseconds from spawn to the server's banner, and to the login. */
  readonly timings: Readonly<Record<'banner' | 'login', number>>
  /** What the guest has written on its serial console so far. */
  console(): string
  exec(command: string): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
  sftp(): Promise<ssh2.SFTPWrapper>
  /** Ends the SSH session and starts another one on the same port. */
  reconnect(): Promise<void>
  /** Plugs a raw image in while the VM runs. */
  plugDisk(path: string, serial: string): Promise<void>
  /** QEMU's. */
  readonly pid: number
}

export interface ApplianceVmOptions {
  readonly memoryMiB?: number
  readonly appendToCommandLine?: string
  readonly machine?: string
  readonly cpu?: string
  /** Raw images, found in the guest by serial `disk0`, `disk1`, ... */
  readonly disks?: readonly string[]
  /** Default: the name the appliance looks for. */
  readonly portName?: string
  readonly timeoutMs?: number
}

const lengthPrefixed = (bytes: Uint8Array): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** The archive docs/appliance.md asks for. */
function keysArchive(client: SshKeyPair, host: SshKeyPair): Uint8Array {
  // dropbear's own format: the public key's name, then seed and point in one string.
  const hostKey = Buffer.concat([lengthPrefixed(Buffer.from('ssh-ed25519')), lengthPrefixed(Buffer.concat([host.seed, host.point]))])
  return writeCpio([
    { type: 'directory', path: 'root', mode: 0o700 },
    { type: 'directory', path: 'root/.ssh', mode: 0o700 },
    { type: 'file', path: 'root/.ssh/authorized_keys', mode: 0o600, content: Buffer.from(`${client.publicKeyLine}\n`) },
    { type: 'file', path: 'etc/dropbear/dropbear_ed25519_host_key', mode: 0o600, content: hostKey },
  ])
}

function qemuArguments(appliance: Appliance, initramfs: string, options: ApplianceVmOptions): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-machine', options.machine ?? 'q35', '-accel', 'tcg', '-cpu', options.cpu ?? 'qemu64,+rdrand'],
    ...['-m', String(options.memoryMiB ?? 256), '-display', 'none', '-no-reboot'],
    ...['-kernel', appliance.kernel, '-initrd', initramfs],
    ...['-append', `${appliance.manifest.kernelCommandLine} ${options.appendToCommandLine ?? ''}`],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci', '-chardev', 'socket,id=ssh,fd=3'],
    ...['-device', `virtserialport,id=ssh-port,chardev=ssh,name=${options.portName ?? 'org.host-deployer.ssh.0'}`],
    ...['-chardev', 'socket,id=qmp,fd=4', '-mon', 'chardev=qmp,mode=control'],
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng', '-device', 'vmgenid'],
    ...['-device', 'virtio-scsi-pci,id=scsi'],
    ...(options.disks ?? []).flatMap((path, index) => [
      ...['-blockdev', JSON.stringify(blockdev(path, `disk${index}`))],
      ...['-device', `scsi-hd,bus=scsi.0,drive=disk${index},serial=disk${index}`],
    ]),
  ]
}

const blockdev = (path: string, nodeName: string): object => ({
  driver: 'raw',
  'node-name': nodeName,
  file: { driver: 'file', filename: path },
})

/** The part of the port one SSH session uses: ending it leaves the port open. */
function sessionStream(port: Duplex): Duplex {
  const onData = (chunk: Buffer): void => void stream.push(chunk)
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => void port.write(chunk, (error) => done(error)),
    final: (done) => {
      stream.push(null)
      done()
    },
    destroy: (error, done) => {
      port.off('data', onData)
      done(error)
    },
  })
  port.on('data', onData)
  return stream
}

function connect(port: Duplex, client: SshKeyPair, host: SshKeyPair, timeoutMs: number): Promise<ssh2.Client> {
  return new Promise((resolve, reject) => {
    const connection = new ssh2.Client()
    connection.on('error', reject)
    connection.once('ready', () => resolve(connection))
    // What is sent before the guest opens its end waits in the socket.
    port.write('G')
    connection.connect({
      sock: sessionStream(port),
      username: 'root',
      privateKey: client.privateKeyPem,
      hostVerifier: (key: Buffer) => key.equals(host.publicKeyBlob),
      readyTimeout: timeoutMs,
    })
  })
}

/** Boots with keys made for this VM. Rejects with the console's last lines when no SSH session comes about in time. */
export async function bootAppliance(appliance: Appliance, options: ApplianceVmOptions = {}): Promise<ApplianceVm> {
  const directory = await mkdtemp(join(tmpdir(), 'appliance-vm-'))
  const [clientKey, hostKey] = [generateSshKeyPair(), generateSshKeyPair()]
  const initramfs = join(directory, 'initramfs')
  await writeFile(initramfs, Buffer.concat([await readFile(appliance.initramfs), keysArchive(clientKey, hostKey)]))

  const started = performance.now()
  const qemu: ChildProcess = spawn('qemu-system-x86_64', qemuArguments(appliance, initramfs, options), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [qemu.stdout, qemu.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')))
  const exited = new Promise<void>((resolve) => qemu.once('exit', () => resolve()))
  const [port, monitorStream] = [qemu.stdio[3] as Duplex, qemu.stdio[4] as Duplex]
  const monitor = new Monitor(monitorStream)
  const timings = { banner: 0, login: 0 }
  port.once('data', () => (timings.banner = Math.round(performance.now() - started)))

  const close = async (): Promise<void> => {
    connection?.destroy()
    qemu.kill('SIGKILL')
    await exited
    await rm(directory, { recursive: true, force: true })
  }
  const timeoutMs = options.timeoutMs ?? 60_000
  const died = new Promise<never>((_, reject) => {
    qemu.once('exit', (code) => reject(new Error(`QEMU ended with ${code}`)))
    for (const stream of [port, monitorStream]) stream.on('error', reject)
  })
  died.catch(() => undefined)
  let connection: ssh2.Client | undefined
  const login = async (): Promise<ssh2.Client> => {
    connection = await Promise.race([connect(port, clientKey, hostKey, timeoutMs), died])
    return connection
  }
  let current: ssh2.Client
  try {
    await Promise.race([monitor.execute('qmp_capabilities'), died])
    current = await login()
    timings.login = Math.round(performance.now() - started)
  } catch (error) {
    await close()
    throw new Error(`${error instanceof Error ? error.message : error}\n${output.split('\n').slice(-80).join('\n')}`, { cause: error })
  }

  return {
    timings,
    console: () => output,
    pid: qemu.pid ?? 0,
    exec: (command) => exec(current, command),
    sftp: () => new Promise((resolve, reject) => current.sftp((error, sftp) => (error ? reject(error) : resolve(sftp)))),
    reconnect: async () => {
      const ready = new Promise<void>((resolve) => (monitor.portOpened = resolve))
      current.end()
      await ready
      current = await login()
    },
    plugDisk: async (path, serial) => {
      await monitor.execute('blockdev-add', blockdev(path, serial))
      await monitor.execute('device_add', { driver: 'scsi-hd', bus: 'scsi.0', drive: serial, serial })
    },
    [Symbol.asyncDispose]: close,
  }
}

function exec(client: ssh2.Client, command: string): ReturnType<ApplianceVm['exec']> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error !== undefined) return reject(error)
      let stdout = ''
      let stderr = ''
      let code: number | null = null
      channel.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      channel.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      channel.on('exit', (status: number | null) => (code = status))
      channel.on('close', () => resolve({ code, stdout, stderr }))
    })
  })
}

/** QEMU's monitor, as far as these tests need it. */
class Monitor {
  readonly #stream: Duplex
  #answered: (answer: { readonly error?: { readonly desc: string } }) => void = () => undefined
  /** Called when the guest opens its end of the port. */
  portOpened: () => void = () => undefined

  constructor(stream: Duplex) {
    this.#stream = stream
    let buffered = ''
    stream.on('data', (chunk: Buffer) => {
      const lines = (buffered + chunk.toString()).split('\n')
      buffered = lines.pop() ?? ''
      for (const line of lines) this.#take(JSON.parse(line))
    })
  }

  #take(message: { event?: string; data?: { open?: boolean }; return?: unknown; error?: { desc: string } }): void {
    if (message.return !== undefined || message.error !== undefined) this.#answered(message as { error?: { desc: string } })
    if (message.event === 'VSERPORT_CHANGE' && message.data?.open === true) this.portOpened()
  }

  async execute(command: string, args: object = {}): Promise<void> {
    const answer = await new Promise<{ readonly error?: { readonly desc: string } }>((resolve) => {
      this.#answered = resolve
      this.#stream.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    })
    if (answer.error !== undefined) throw new Error(answer.error.desc)
  }
}
