// A driver to name with `--driver`: qemu-initramfs that says on standard error, a line each, which programs are started in its VM. With
// HOST_DEPLOYER_MOUNT_HANGS a mount of a file system does not come back, as one does on a disk that does not answer.
import type { Driver, ToolHost } from '@host-deployer/driver-api'
import { type QemuInitramfsOptions, driver as real } from '@host-deployer/driver-qemu-initramfs'

export const driver: Driver<QemuInitramfsOptions> = {
  ...real,
  name: 'told-qemu-initramfs',
  async open(request, context) {
    const session = await real.open(request, context)
    const { toolHost } = session
    const exec: ToolHost['exec'] = (argv, options) => {
      process.stderr.write(`runs ${argv.join(' ')}\n`)
      const hangs = argv[0] === 'mount' && process.env['HOST_DEPLOYER_MOUNT_HANGS'] !== undefined
      return toolHost.exec(hangs ? ['sleep', '100000'] : argv, options)
    }
    return { ...session, toolHost: { exec, fs: toolHost.fs } }
  },
}
