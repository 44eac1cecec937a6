import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type HostPath, hostPath, type ImageFile } from '@host-deployer/driver-api'
import { createLocalToolHost } from '@host-deployer/driver-kit'

const host = createLocalToolHost()

/** Runs a program of this machine and insists on success. */
export async function run(...argv: [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await host.exec(argv, { timeoutMs: 60_000 })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${Buffer.from(stderr).toString()}`)
  return Buffer.from(stdout).toString()
}

/** SHA-256 of a file's bytes. */
export async function digestOf(path: HostPath): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** A sparse raw image. */
export async function createRawImage(directory: string, name: string, sizeBytes: number): Promise<ImageFile> {
  const path = hostPath(join(directory, `${name}.raw`))
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  return { path, format: 'raw' }
}

/** A qcow2 image, by QEMU's own tool; on top of `backing` when that is given. */
export async function createQcow2Image(directory: string, name: string, sizeBytes: number, backing?: ImageFile): Promise<ImageFile> {
  const path = hostPath(join(directory, `${name}.qcow2`))
  const below = backing === undefined ? [] : ['-b', backing.path, '-F', backing.format]
  await run('qemu-img', 'create', '-q', '-f', 'qcow2', ...below, path, String(sizeBytes))
  return { path, format: 'qcow2' }
}

/** Bytes of an image as a guest sees them, read by QEMU's own tool. Fails when somebody holds the image's lock. */
export async function readVirtualBytes(image: ImageFile, offset: number, length: number): Promise<Uint8Array> {
  const text = await run('qemu-io', '-f', image.format, '-r', '-c', `read -v ${offset} ${length}`, image.path)
  const bytes: number[] = []
  for (const line of text.split('\n')) {
    const match = /^[0-9a-f]{8,}: {2}((?:[0-9a-f]{2} )+)/.exec(line)
    if (match !== null)
      bytes.push(
        ...(match[1] ?? '')
          .trim()
          .split(' ')
          .map((byte) => Number.parseInt(byte, 16)),
      )
  }
  return new Uint8Array(bytes)
}

/** Whether QEMU's own tool can open the image for writing: nobody holds its lock. */
export async function isFree(image: ImageFile): Promise<boolean> {
  const { exitCode } = await host.exec(['qemu-io', '-f', image.format, '-c', 'quit', image.path], { timeoutMs: 60_000 })
  return exitCode === 0
}
