// What QEMU itself takes beside the memory of the VM.
const QEMU_MB = 100

/** Whether a VM with so much memory fits, going by the text of `/proc/meminfo`; `detail` has both numbers. Pure. */
export function memoryForVm(meminfo: string, memoryMb: number): { readonly isShort: boolean; readonly detail: string } {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1]
  const availableMb = Math.floor(Number(available ?? 0) / 1024)
  return {
    isShort: availableMb < memoryMb + QEMU_MB,
    detail: `${availableMb} MB available, a VM takes up to ${memoryMb} MB and QEMU's own ${QEMU_MB}`,
  }
}
