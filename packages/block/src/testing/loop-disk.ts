import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AttachedDisk, type ToolPath, toolPath } from '@host-deployer/driver-api'

const run = (argv: readonly string[], input = ''): string => {
  const [file = '', ...args] = argv
  return execFileSync(file, args, { input, encoding: 'utf8', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }, stdio: 'pipe' })
}

/** A sparse file as a loop device with partition nodes, made for one test. */
export interface LoopDisk {
  readonly device: ToolPath
  readonly attached: AttachedDisk
  /** Writes a partition table from an sfdisk script and makes its nodes. */
  partition(script: string): void
  node(number: number): ToolPath
  /** Makes the file and the device bigger. */
  grow(sizeBytes: number): void
  run(...argv: string[]): string
  remove(): void
}

export function createLoopDisk(sizeBytes: number, id = 'disk0', readOnly = false): LoopDisk {
  const directory = mkdtempSync(join(tmpdir(), 'loop-disk-'))
  const file = join(directory, 'disk.raw')
  run(['truncate', '-s', String(sizeBytes), file])
  const device = toolPath(run(['losetup', '--find', '--show', '--partscan', file]).trim())
  return {
    device,
    get attached() {
      return { id, device, sizeBytes: Number(run(['blockdev', '--getsize64', device])), readOnly }
    },
    partition(script) {
      run(['sfdisk', '--quiet', '--no-reread', '--no-tell-kernel', device], script)
      run(['partx', '--add', device])
    },
    node: (number) => toolPath(`${device}p${number}`),
    grow(bytes) {
      truncateSync(file, bytes)
      run(['losetup', '--set-capacity', device])
    },
    run: (...argv) => run(argv),
    remove() {
      // The flag would outlive the detaching.
      run(['blockdev', '--setrw', device])
      try {
        run(['partx', '--delete', device])
      } catch {
        // It had no partitions.
      }
      run(['losetup', '--detach', device])
      rmSync(directory, { recursive: true })
    },
  }
}
