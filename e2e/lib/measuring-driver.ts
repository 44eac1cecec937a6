// A driver to name with `--driver`: qemu-initramfs that says on standard error, one line of JSON, where the memory of its VM is when the work is done.
import { readFile } from 'node:fs/promises'
import type { Driver, DriverSession } from '@host-deployer/driver-api'
import { type QemuInitramfsOptions, driver as real } from '@host-deployer/driver-qemu-initramfs'
import { measureCloneMemory } from './clone-memory.ts'

async function qemuPid(): Promise<number> {
  const children = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ')
  for (const child of children) if ((await readFile(`/proc/${child}/comm`, 'utf8')).startsWith('qemu')) return Number(child)
  throw new Error('No QEMU runs')
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
      const atEnd = await measureCloneMemory(pid, memoryMb)
      const guest = await guestSays(session)
      process.stderr.write(`${JSON.stringify({ isClone: 'restore' in session.info.timings, atStart, atEnd, guest })}\n`)
      await session.close()
    }
    let closing: Promise<void> | undefined
    const once = () => (closing ??= close())
    return { ...session, close: once, [Symbol.asyncDispose]: once }
  },
}
