// A process of its own that opens one disk and waits: `node session.test-support.ts JSON`. Prints `open` or the error's code. Closes when its standard
// input ends. With `uid` it first becomes that user.
import { DeployError, type DiskAccess, type DriverContext, hostPath, type ImageFormat } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { driver } from './driver.ts'
import { optionsSchema, type QemuInitramfsOptions } from './options.ts'

export interface SessionUnderTest {
  readonly image: string
  readonly format: ImageFormat
  readonly access: DiskAccess
  readonly workDirectory: string
  readonly leaseDirectory: string
  readonly options: Readonly<Record<string, unknown>>
  readonly uid?: number
  /** Runs in the VM's shell once the disk is there, as `$1`. */
  readonly script?: string
}

/** The context of one test session. */
export function contextOf(
  input: Pick<SessionUnderTest, 'workDirectory' | 'leaseDirectory' | 'options'>,
  changes: Partial<DriverContext<QemuInitramfsOptions>> = {},
): DriverContext<QemuInitramfsOptions> {
  return {
    options: optionsSchema.parse(input.options),
    workDirectory: hostPath(input.workDirectory),
    cacheDirectory: hostPath(`${input.workDirectory}-cache`),
    logger: { debug() {}, info() {}, warn() {} },
    leases: createFileLeaseJournal(hostPath(input.leaseDirectory)),
    ...changes,
  }
}

async function main(input: SessionUnderTest): Promise<void> {
  if (input.uid !== undefined) {
    process.setgroups?.([])
    process.setgid?.(input.uid)
    process.setuid?.(input.uid)
  }
  const disk = { id: 'disk', access: input.access, chain: [{ path: hostPath(input.image), format: input.format }] } as const
  try {
    const session = await driver.open({ disks: [disk] }, contextOf(input))
    if (input.script !== undefined) {
      const { exitCode } = await session.toolHost.exec(['sh', '-c', input.script, 'sh', session.disks[0].device])
      if (exitCode !== 0) throw new Error(`The script ended with ${exitCode}`)
    }
    process.stdout.write('open\n')
    process.stdin.resume()
    await new Promise((resolve) => process.stdin.once('end', resolve))
    await session.close()
    process.stdout.write('closed\n')
  } catch (error) {
    process.stdout.write(`${DeployError.isInstance(error) ? error.code : String(error)}\n`)
  }
  process.exit()
}

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] ?? '') as SessionUnderTest)
