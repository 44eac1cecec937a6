import type { DeployError } from '@host-deployer/driver-api'
import { createExecRawFs, type SshToolHost } from '@host-deployer/driver-kit'
import type { QemuProcess } from './qemu-process.ts'
import { logInToStock } from './stock-login.ts'
import type { StockOptions } from './stock-options.ts'
import { findStockTools, type StockTools } from './stock-tools.ts'
import { explainVmError, type VmInput } from './virtual-machine.ts'

export interface StockBoot {
  readonly input: VmInput
  readonly process: QemuProcess
  readonly stock: StockOptions
  /** The SSH server has said its first word. */
  readonly onBanner: () => void
}

/** Waits for a stock appliance, logs in and looks what it has. Ends its attempts when `stopped` rejects. Errors as {@link logInToStock} and {@link findStockTools}. */
export async function bootStock(
  { input, process, stock, onBanner }: StockBoot,
  stopped: Promise<never>,
): Promise<{ readonly toolHost: SshToolHost; readonly tools: StockTools }> {
  const { options } = input.context
  const attempts = new AbortController()
  stopped.catch((reason: unknown) => attempts.abort(reason))
  let banners = 0
  const toolHost = await logInToStock({
    stock,
    qemu: { pid: process.pid, uid: input.user?.uid },
    bootTimeoutMs: options.bootTimeoutMs,
    defaultTimeoutMs: options.commandTimeoutMs,
    explainLoss: (error) => explainVmError(error, process, options.memoryMb) as Promise<DeployError>,
    signal: attempts.signal,
    onBanner: () => {
      banners += 1
      if (banners === 1) onBanner()
    },
  })
  try {
    const tools = await findStockTools(toolHost)
    return { toolHost: { ...toolHost, fs: createExecRawFs(toolHost.exec, tools.capabilities) }, tools }
  } catch (error) {
    await toolHost.close()
    throw error
  }
}
