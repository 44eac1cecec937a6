import { DeployError, ExecError, type GuestExec, type ToolHost } from '@host-deployer/driver-api'
import type { RunningVm } from './virtual-machine.ts'
import { attachConsole, outOfMemory, sawOutOfMemory } from './vm-failure.ts'

/**
 * A tool host whose killed programs are explained: `APPLIANCE_OUT_OF_MEMORY` when it was the kernel for want of memory. One that does not end in time
 * (`EXEC_TIMEOUT`) comes with the console's last lines: it may be the kernel that hangs, and only there does it say so.
 */
export function guardToolHost({ toolHost, process }: RunningVm, memoryMb: number): ToolHost {
  return {
    fs: toolHost.fs,
    async exec(argv, options) {
      const before = process.console.sizeBytes
      const result = await toolHost.exec(argv, options).catch((error: unknown) => {
        const isLate = DeployError.isInstance(error) && error.code === 'EXEC_TIMEOUT'
        throw isLate ? attachConsole(error, process.console.lines()) : error
      })
      // A shell passes the signal of its child on as 128 + 9.
      const killed = result.signal === 'SIGKILL' || result.exitCode === 137
      const consoleLines = process.console.lines()
      if (killed && process.console.sizeBytes > before && sawOutOfMemory(consoleLines)) throw outOfMemory({ consoleLines, memoryMb })
      return result
    },
  }
}

/** Programs of the guest, run in the VM: it holds nothing but the guest's own disks. */
export function createGuestExec(toolHost: ToolHost): GuestExec {
  return {
    async chroot(root, argv, options) {
      // The root is an absolute path: no need for the "--" that busybox's chroot does not know.
      const result = await toolHost.exec(['chroot', root, ...argv], options)
      // chroot(1): 127 when the program is not there; its own message tells it from a program that ends so.
      const missing =
        result.exitCode === 127 && /^chroot: (failed to run command|can't execute)/.test(Buffer.from(result.stderr).toString())
      if (missing)
        throw new ExecError('EXEC_NOT_FOUND', `There is no program ${JSON.stringify(argv[0])} in the guest`, { context: { argv, root } })
      return result
    },
  }
}
