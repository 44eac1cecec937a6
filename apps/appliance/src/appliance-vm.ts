// A bare harness for this package's integration tests: boots an appliance under emulation and talks SSH to it. The driver does this for real.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Appliance } from '@host-deployer/driver-qemu-initramfs/appliance'
import { writeCpio } from '@host-deployer/driver-qemu-initramfs/cpio'
import ssh2 from 'ssh2'

export interface ApplianceVm extends AsyncDisposable {
  readonly timings: Readonly<Record<string, number>>
  /** What the guest has written on its serial console so far. */
  console(): string
  exec(command: string): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
  readonly client: ssh2.Client
  /** QEMU's. */
  readonly pid: number
}

export interface ApplianceVmOptions {
  readonly memoryMiB?: number
  readonly kernel?: string
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

/** An ed25519 key in dropbear's own format: the public key's blob with seed and public key in one string. */
function dropbearHostKey(): { readonly file: Uint8Array; readonly fingerprint: string } {
  const parsed = ssh2.utils.parseKey(ssh2.utils.generateKeyPairSync('ed25519').private)
  if (parsed instanceof Error) throw parsed
  const pem = parsed.getPrivatePEM()
  const seed = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64').subarray(-32)
  const publicBlob = parsed.getPublicSSH()
  const name = Buffer.from('ssh-ed25519')
  return {
    file: Buffer.concat([lengthPrefixed(name), lengthPrefixed(Buffer.concat([seed, publicBlob.subarray(-32)]))]),
    fingerprint: createHash('sha256').update(publicBlob).digest('base64'),
  }
}

/** Boots with a key pair and a host key made for this VM. Rejects with the console's last lines when no SSH session comes about in time. */
export async function bootAppliance(appliance: Appliance, options: ApplianceVmOptions = {}): Promise<ApplianceVm> {
  const directory = await mkdtemp(join(tmpdir(), 'appliance-vm-'))
  const clientKey = ssh2.utils.generateKeyPairSync('ed25519')
  const hostKey = dropbearHostKey()
  const keys = writeCpio([
    { type: 'directory', path: 'root', mode: 0o700 },
    { type: 'directory', path: 'root/.ssh', mode: 0o700 },
    { type: 'file', path: 'root/.ssh/authorized_keys', mode: 0o600, content: Buffer.from(`${clientKey.public}\n`) },
    { type: 'file', path: 'etc/dropbear/dropbear_ed25519_host_key', mode: 0o600, content: hostKey.file },
  ])
  const initramfs = join(directory, 'initramfs')
  await writeFile(initramfs, Buffer.concat([await readFile(appliance.initramfs), keys]))

  const started = performance.now()
  const timings: Record<string, number> = {}
  const mark = (name: string): void => {
    timings[name] = Math.round(performance.now() - started)
  }
  const qemu: ChildProcess = spawn(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-machine', options.machine ?? 'q35', '-accel', 'tcg', '-cpu', options.cpu ?? 'qemu64'],
      ...['-m', String(options.memoryMiB ?? 256), '-display', 'none', '-no-reboot'],
      ...['-kernel', options.kernel ?? appliance.kernel, '-initrd', initramfs],
      ...['-append', `${appliance.manifest.kernelCommandLine} ${options.appendToCommandLine ?? ''}`],
      ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
      ...['-device', 'virtio-serial-pci', '-chardev', 'socket,id=ssh,fd=3'],
      ...['-device', `virtserialport,chardev=ssh,name=${options.portName ?? 'org.host-deployer.ssh.0'}`],
      ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng', '-device', 'vmgenid'],
      ...['-device', 'virtio-scsi-pci,id=scsi'],
      ...(options.disks ?? []).flatMap((path, index) => [
        ...['-blockdev', JSON.stringify({ driver: 'raw', 'node-name': `d${index}`, file: { driver: 'file', filename: path } })],
        ...['-device', `scsi-hd,bus=scsi.0,drive=d${index},serial=disk${index}`],
      ]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
  )
  let output = ''
  for (const stream of [qemu.stdout, qemu.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')))
  const exited = new Promise<void>((resolve) => qemu.once('exit', () => resolve()))
  const port = qemu.stdio[3] as Duplex
  const client = new ssh2.Client()

  const close = async (): Promise<void> => {
    client.destroy()
    qemu.kill('SIGKILL')
    await exited
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('timed out')), options.timeoutMs ?? 60_000)
      qemu.once('exit', (code) => reject(new Error(`QEMU ended with ${code}`)))
      client.on('error', reject)
      client.once('ready', () => {
        clearTimeout(timer)
        mark('login')
        resolve()
      })
      client.once('handshake', () => mark('handshake'))
      port.once('data', () => mark('banner'))
      port.on('error', reject)
      // What is sent before the guest opens its end waits in the socket.
      port.write('G')
      client.connect({
        sock: port as never,
        username: 'root',
        privateKey: clientKey.private,
        hostHash: 'sha256',
        hostVerifier: (hash: string) => Buffer.from(hash, 'hex').toString('base64') === hostKey.fingerprint,
        readyTimeout: options.timeoutMs ?? 60_000,
        algorithms: { kex: ['curve25519-sha256'], serverHostKey: ['ssh-ed25519'] },
      })
    })
  } catch (error) {
    await close()
    throw new Error(`${error instanceof Error ? error.message : error}\n${output.split('\n').slice(-300).join('\n')}`, { cause: error })
  }

  const exec: ApplianceVm['exec'] = (command) =>
    new Promise((resolve, reject) => {
      client.exec(command, (error, channel) => {
        if (error !== undefined) return reject(error)
        let stdout = ''
        let stderr = ''
        channel.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
        channel.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
        let code: number | null = null
        channel.on('exit', (status: number | null) => (code = status))
        channel.on('close', () => resolve({ code, stdout, stderr }))
      })
    })
  return { timings, console: () => output, exec, client, pid: qemu.pid ?? 0, [Symbol.asyncDispose]: close }
}
