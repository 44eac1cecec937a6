// A driver to name with `--driver`: qemu-initramfs that says on standard error, one line of JSON, where the memory of its VM is when the work is done.
// With HOST_DEPLOYER_MEASURE_TOGETHER (`COUNT DIRECTORY`) so many processes wait for each other: all measure while the VMs of all are there.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Driver, DriverSession } from '@host-deployer/driver-api'
import { type QemuInitramfsOptions, driver as real } from '@host-deployer/driver-qemu-initramfs'
import { measureCloneMemory } from './clone-memory.ts'

async function qemuPid(): Promise<number> {
  const children = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ')
  for (const child of children) if ((await readFile(`/proc/${child}/comm`, 'utf8')).startsWith('qemu')) return Number(child)
  throw new Error('No QEMU runs')
}

const MEETING_MS = 300_000

/** Waits until all have come to this point. */
async function meet(point: string): Promise<void> {
  const [, count, directory] = /^(\d+) (.+)$/.exec(process.env['HOST_DEPLOYER_MEASURE_TOGETHER'] ?? '') ?? []
  if (directory === undefined) return
  await writeFile(join(directory, `${point}-${process.pid}`), '')
  const deadline = performance.now() + MEETING_MS
  while ((await readdir(directory)).filter((name) => name.startsWith(`${point}-`)).length < Number(count)) {
    if (performance.now() > deadline) throw new Error(`Not all have come to ${point}`)
    await delay(50)
  }
}

/** What the guest's kernel says of its memory: `/proc/meminfo` in bytes, and the size of the root file system, which is in memory. */
async function guestSays({ toolHost }: DriverSession): Promise<Record<string, number>> {
  const { stdout } = await toolHost.exec([
    'sh',
    '-c',
    'cat /proc/meminfo; echo "RootFs: $(du -skx / | cut -f1) kB"; echo "Modules: $(awk "{s+=\\$2} END {print int(s/1024)}" /proc/modules) kB"',
  ])
  const lines = Buffer.from(stdout)
    .toString()
    .matchAll(/^(\w+):\s+(\d+) kB$/gm)
  return Object.fromEntries([...lines].map(([, name = '', kib]) => [name, Number(kib) * 1024]))
}

export const driver: Driver<QemuInitramfsOptions> = {
  ...real,
  name: 'measured-qemu-initramfs',
  async open(request, context) {
    const session = await real.open(request, context)
    const { memoryMb } = context.options
    const pid = await qemuPid()
    const atStart = await measureCloneMemory(pid, memoryMb)
    const close = async (): Promise<void> => {
      await meet('done')
      const atEnd = await measureCloneMemory(pid, memoryMb)
      await meet('measured')
      const guest = await guestSays(session)
      process.stderr.write(`${JSON.stringify({ isClone: 'restore' in session.info.timings, atStart, atEnd, guest })}\n`)
      await session.close()
    }
    let closing: Promise<void> | undefined
    const once = () => (closing ??= close())
    return { ...session, close: once, [Symbol.asyncDispose]: once }
  },
}
