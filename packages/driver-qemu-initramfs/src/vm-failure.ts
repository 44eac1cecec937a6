import { type DeployError, type DeployErrorOptions, DriverError } from '@host-deployer/driver-api'

/** What is known about a VM that ended or stopped answering. */
export interface VmRemains {
  /** Undefined while QEMU still runs. */
  readonly exit: { readonly exitCode: number | null; readonly signal: string | null } | undefined
  /** All that is kept; the reason may stand well above the call trace that ends it. */
  readonly consoleLines: readonly string[]
  readonly stderr: string
  readonly memoryMb: number
}

// Messages of the kernel: mm/oom_kill.c, init/initramfs.c, kernel/panic.c.
const OUT_OF_MEMORY =
  /Out of memory|out of memory|invoked oom-killer|System is deadlocked on memory|Initramfs unpacking failed: write error/
const PANIC = /Kernel panic|BUG: unable to handle|Oops: |general protection fault/

/** Whether the kernel in the VM has said that its memory does not suffice. */
export function sawOutOfMemory(consoleLines: readonly string[]): boolean {
  return consoleLines.some((line) => OUT_OF_MEMORY.test(line))
}

// Enough for a call trace and what led to it.
const REPORTED_LINES = 60

/** Attaches the console's last lines, so that they travel with the error into reports. */
export function attachConsole<E extends DeployError>(error: E, consoleLines: readonly string[]): E {
  if (consoleLines.length > 0 && !error.diagnostics.some(({ code }) => code === 'APPLIANCE_CONSOLE')) {
    const detail = consoleLines.slice(-REPORTED_LINES).join('\n')
    error.diagnostics.push({
      severity: 'info',
      code: 'APPLIANCE_CONSOLE',
      summary: 'The last lines on the console of the appliance',
      detail,
    })
  }
  return error
}

/** `APPLIANCE_OUT_OF_MEMORY`, naming the setting. */
export function outOfMemory({ consoleLines, memoryMb }: Pick<VmRemains, 'consoleLines' | 'memoryMb'>, cause?: unknown): DriverError {
  const error = new DriverError('APPLIANCE_OUT_OF_MEMORY', `The appliance ran out of memory (memoryMb: ${memoryMb})`, {
    hint: `Give the VM more memory with the driver option memoryMb, ${memoryMb * 2} for instance.`,
    context: { memoryMb, console: consoleLines.slice(-REPORTED_LINES) },
    cause,
  })
  return attachConsole(error, consoleLines)
}

/**
 * Says why a VM is gone: `DRIVER_QEMU_EXITED` when QEMU itself failed or was killed, `APPLIANCE_OUT_OF_MEMORY` or `DRIVER_APPLIANCE_PANIC` when it
 * ended because the appliance had (a panic turns the VM off). Pure.
 */
export function explainRemains(remains: VmRemains, cause?: unknown): DriverError {
  const { exit, consoleLines, stderr } = remains
  const options: DeployErrorOptions = { context: { ...exit, stderr, console: consoleLines.slice(-REPORTED_LINES) }, cause }
  const said = stderr.trim() === '' ? '' : `: ${stderr.trim().split('\n').slice(-3).join('; ')}`
  if (exit?.signal != null) {
    // What the guest said before is not the reason then.
    const hint = 'Something killed QEMU, or it crashed; the kernel log of this machine knows if memory was short.'
    return attachConsole(new DriverError('DRIVER_QEMU_EXITED', `QEMU ended by ${exit.signal}${said}`, { ...options, hint }), consoleLines)
  }
  if (sawOutOfMemory(consoleLines)) return outOfMemory(remains, cause)
  if (consoleLines.some((line) => PANIC.test(line))) {
    const hint = 'A damaged or hostile file system can do this; the image itself is untouched beyond what was committed.'
    return attachConsole(
      new DriverError('DRIVER_APPLIANCE_PANIC', 'The kernel of the appliance crashed', { ...options, hint }),
      consoleLines,
    )
  }
  const hint = 'The message of QEMU, or the last lines of the console, say why.'
  return attachConsole(
    new DriverError('DRIVER_QEMU_EXITED', `QEMU ended with exit code ${exit?.exitCode}${said}`, { ...options, hint }),
    consoleLines,
  )
}
