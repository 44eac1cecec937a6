import { type Evidence, plainText } from './evidence.ts'
import type { GuestFacts } from './facts.ts'

/** What the partition tables say about booting; `BootEvidence` of the `block` package has this shape. */
export interface BootEvidence {
  readonly esp: boolean
  readonly biosBootPartition: boolean
  readonly mbr: boolean
}

export async function detectBootLoaders(evidence: Evidence): Promise<GuestFacts['bootLoaders']> {
  const [grub, systemdBoot, extlinux] = await Promise.all([
    evidence.hasAny('/boot/grub/grub.cfg', '/boot/grub2/grub.cfg', '/etc/default/grub'),
    // Entries alone are no sign: other loaders read them, too.
    evidence.hasAny('/boot/loader/loader.conf', '/boot/efi/loader/loader.conf', '/efi/loader/loader.conf'),
    evidence.hasAny('/boot/extlinux/extlinux.conf', '/boot/extlinux.conf', '/boot/syslinux/syslinux.cfg'),
  ])
  return [
    ...(grub ? (['grub'] as const) : []),
    ...(systemdBoot ? (['systemd-boot'] as const) : []),
    ...(extlinux ? (['extlinux'] as const) : []),
  ]
}

/** By the loaders' files for each firmware and the partitions each needs. A boot sector cannot be seen from here. */
export async function detectFirmware(
  evidence: Evidence,
  boot: BootEvidence | undefined,
  arch: string | null,
): Promise<GuestFacts['firmware']> {
  const x86 = arch === null || arch === 'x86_64' || arch === 'i686'
  const [pc, efi, loader] = await Promise.all([
    evidence.hasAny('/boot/grub/i386-pc', '/boot/grub2/i386-pc', '/boot/extlinux/extlinux.conf', '/boot/extlinux.conf'),
    evidence.hasAny('/boot/grub/x86_64-efi', '/boot/grub/arm64-efi', '/boot/grub/riscv64-efi', '/boot/efi/EFI', '/efi/EFI', '/boot/EFI'),
    evidence.hasAny('/boot/grub/grub.cfg', '/boot/grub2/grub.cfg'),
  ])
  return {
    bios: x86 && (pc || boot?.biosBootPartition === true || (boot?.mbr === true && loader && !boot.esp)),
    uefi: boot === undefined ? efi : boot.esp,
  }
}

const maxKernels = 64

/** Versions with modules or an image, oldest first. */
export async function detectKernels(evidence: Evidence): Promise<readonly string[]> {
  const [modules, boot] = await Promise.all([evidence.names('/lib/modules'), evidence.names('/boot')])
  const images = boot.flatMap((name) => /^(?:vmlinuz|vmlinux|Image)-(.+)$/.exec(name)?.[1] ?? [])
  const versions = [...new Set([...modules, ...images])].filter((name) => /^\d+\.\d+/.test(name) && plainText(name) === name)
  return versions.sort(compareVersions).slice(-maxKernels)
}

const compareVersions = (left: string, right: string): number => {
  const parts = (version: string) => version.split(/(\d+)/)
  const [a, b] = [parts(left), parts(right)]
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [x = '', y = ''] = [a[index], b[index]]
    if (x === y) continue
    return index % 2 === 1 ? Number(x) - Number(y) : x < y ? -1 : 1
  }
  return 0
}
