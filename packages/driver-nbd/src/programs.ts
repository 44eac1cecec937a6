import { DriverError } from '@host-deployer/driver-api'
import { findProgram } from '@host-deployer/driver-kit'
import type { NbdOptions } from './options.ts'

/** The Debian package that brings each program we start. */
export const packageOf: Readonly<Record<string, string>> = {
  'qemu-nbd': 'qemu-utils',
  getfattr: 'attr',
  nbdfuse: 'libnbd-bin',
  losetup: 'mount',
  nsenter: 'util-linux',
  setfattr: 'attr',
  setpriv: 'util-linux',
  unshare: 'util-linux',
}

/** Programs of every session, and those of the `fuse` attacher. */
export const always = ['setpriv', 'unshare', 'nsenter', 'getfattr', 'setfattr'] as const
export const forFuse = ['nbdfuse', 'losetup'] as const

/** `DRIVER_PROGRAM_MISSING`: a program is not on this machine. */
export function programMissing(program: string): DriverError {
  const name = packageOf[program] ?? packageOf['qemu-nbd']
  return new DriverError('DRIVER_PROGRAM_MISSING', `There is no ${program} on this machine`, {
    hint: `Install it (on Debian: apt-get install ${name}), or use --driver qemu-initramfs.`,
    context: { program, package: name },
  })
}

/** Insists on programs. Resolves with the absolute path of qemu-nbd. `DRIVER_PROGRAM_MISSING`. */
export async function findPrograms(options: NbdOptions, names: readonly string[]): Promise<string> {
  for (const name of names) if ((await findProgram(name)) === undefined) throw programMissing(name)
  const qemuNbd = await findProgram(options.qemuNbd)
  if (qemuNbd === undefined) throw programMissing(options.qemuNbd)
  return qemuNbd
}
