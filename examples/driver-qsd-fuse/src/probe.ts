import { access, constants } from 'node:fs/promises'
import type { Probe, ProbeFinding } from '@host-deployer/driver-api'
import { createLocalToolHost } from '@host-deployer/driver-kit'

export const capabilities = { isolated: false, xattrs: true, guestExec: false, partitionNodes: false, lvm: false } as const

const programs: Readonly<Record<string, string>> = {
  'qemu-storage-daemon': 'qemu-system-common',
  'qemu-img': 'qemu-utils',
  losetup: 'mount',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
}

/** Looks for the programs and devices that sessions need. */
export async function probe(): Promise<Probe> {
  const { exec } = createLocalToolHost()
  const findings: ProbeFinding[] = await Promise.all([
    ...Object.entries(programs).map(async ([subject, debianPackage]) => {
      const result = await exec([subject, '--version'], { timeoutMs: 10_000 }).catch(() => undefined)
      if (result?.exitCode === 0) return { subject, ok: true, detail: Buffer.from(result.stdout).toString().split('\n')[0] ?? '' }
      return { subject, ok: false, detail: 'not found', remedy: `apt-get install ${debianPackage}`, debianPackage }
    }),
    ...['/dev/fuse', '/dev/loop-control'].map(async (subject) => {
      const ok = await access(subject, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      )
      return ok
        ? { subject, ok, detail: 'there' }
        : { subject, ok, detail: 'missing, or not ours', remedy: 'Run as root, with the modules fuse and loop.' }
    }),
  ])
  return { usable: findings.every(({ ok }) => ok), findings, capabilities }
}
