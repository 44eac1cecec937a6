import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DriverError, hostPath } from '@host-deployer/driver-api'
import { APPLIANCE_API_VERSION, type Appliance } from './appliance-manifest.ts'
import type { StockOptions } from './stock-options.ts'

function unreadable(what: string, path: string, cause: unknown): DriverError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DriverError('DRIVER_STOCK_FILE', `The ${what} of the stock appliance cannot be read: ${reason}`, {
    hint: `Correct the driver option stock.${what === 'password' ? 'passwordFile' : what}, or make ${path} readable.`,
    context: { path },
    cause,
  })
}

/** The password, read anew for each session. `DRIVER_STOCK_FILE`. */
export async function readStockPassword({ password, passwordFile }: StockOptions): Promise<string> {
  if (password !== undefined) return password.reveal()
  const path = passwordFile ?? ''
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable('password', path, error)
  })
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line === '') throw unreadable('password', path, new Error('its first line is empty'))
  return line
}

/** Kernel and initramfs as an appliance without a manifest of its own. `DRIVER_STOCK_FILE`. */
export async function describeStock(stock: StockOptions): Promise<Appliance> {
  const look = async (name: 'kernel' | 'initramfs') => {
    const path = stock[name]
    try {
      await access(path, constants.R_OK)
      const { size, mtimeMs } = await stat(path)
      return { path: hostPath(path), sizeBytes: size, mtimeMs }
    } catch (error) {
      throw unreadable(name, path, error)
    }
  }
  const [kernel, initramfs] = await Promise.all([look('kernel'), look('initramfs'), readStockPassword(stock)])
  // What is remembered about it (whether KVM works) is remembered of these very files.
  const id = createHash('sha256')
    .update(JSON.stringify([kernel, initramfs]))
    .digest('hex')
  const file = ({ sizeBytes }: { readonly sizeBytes: number }) => ({ sha256: id, sizeBytes })
  return {
    directory: hostPath(dirname(stock.kernel)),
    kernel: kernel.path,
    initramfs: initramfs.path,
    manifest: {
      apiVersion: APPLIANCE_API_VERSION,
      architecture: 'amd64',
      id,
      kernelVersion: 'stock',
      kernelCommandLine: stock.kernelCommandLine,
      minimumMemoryMiB: 128,
      kernel: file(kernel),
      initramfs: file(initramfs),
      packages: [],
    },
  }
}
