import type { Evidence } from './evidence.ts'

// Small programs that every system has. Where one is big (a program for many names), the loader's name has to do.
const programs = ['/usr/bin/true', '/bin/true', '/usr/bin/env', '/bin/busybox']
const maxProgramBytes = 1024 * 1024

/** e_machine of elf(5), by class: 1 is 32 bits, 2 is 64. */
const machines: ReadonlyMap<string, string> = new Map([
  ['1:3', 'i686'],
  ['1:6', 'i686'],
  ['2:62', 'x86_64'],
  ['1:62', 'x86_64'],
  ['1:40', 'armv7l'],
  ['2:183', 'aarch64'],
  ['2:243', 'riscv64'],
  ['2:258', 'loongarch64'],
  ['2:22', 's390x'],
  ['1:8', 'mips'],
  ['2:8', 'mips64'],
])

/** What `uname -m` would say, from the header of a program; null for none or an unknown one. Pure. */
export function readElfArch(header: Uint8Array): string | null {
  if (header.byteLength < 20 || header[0] !== 0x7f || header[1] !== 0x45 || header[2] !== 0x4c || header[3] !== 0x46) return null
  const littleEndian = header[5] === 1
  const machine = new DataView(header.buffer, header.byteOffset, header.byteLength).getUint16(18, littleEndian)
  if (header[4] === 2 && machine === 21) return littleEndian ? 'ppc64le' : 'ppc64'
  return machines.get(`${header[4]}:${machine}`) ?? null
}

// The interpreter's path is part of each architecture's binary interface. 64 bits first: a system for both has both.
const loaders = [
  ['/lib64/ld-linux-x86-64.so.2', 'x86_64'],
  ['/lib/ld-linux-aarch64.so.1', 'aarch64'],
  ['/lib/ld-linux-riscv64-lp64d.so.1', 'riscv64'],
  ['/lib64/ld-linux-loongarch-lp64d.so.1', 'loongarch64'],
  ['/lib64/ld64.so.2', 'ppc64le'],
  ['/lib/ld64.so.1', 's390x'],
  ['/lib/ld-musl-x86_64.so.1', 'x86_64'],
  ['/lib/ld-musl-aarch64.so.1', 'aarch64'],
  ['/lib/ld-linux-armhf.so.3', 'armv7l'],
  ['/lib/ld-musl-armhf.so.1', 'armv7l'],
  ['/lib/ld-linux.so.2', 'i686'],
  ['/lib/ld-musl-i386.so.1', 'i686'],
] as const

/** The guest's architecture as `uname -m` names it, null when nothing tells. */
export async function detectArch(evidence: Evidence): Promise<string | null> {
  for (const program of programs) {
    const bytes = await evidence.bytes(program, maxProgramBytes)
    const arch = bytes === null ? null : readElfArch(bytes)
    if (arch !== null) return arch
  }
  const found = await Promise.all(loaders.map(([path]) => evidence.has(path)))
  return loaders[found.indexOf(true)]?.[1] ?? null
}
