// A driver to name with `--driver`: qemu-initramfs that says on standard error, a line each, which programs are started in its VM. With
// HOST_DEPLOYER_MOUNT_HANGS a mount of a file system does not come back, as one does on a disk that does not answer; with
// HOST_DEPLOYER_REMOUNT_AWAITS_INTERRUPT what is mounted becomes writable when Ctrl-C has come, which on a busy machine could else come after the end.
import { once } from 'node:events'
import type { Driver, ToolHost } from '@host-deployer/driver-api'
import { type QemuInitramfsOptions, driver as real } from '@host-deployer/driver-qemu-initramfs'

export const driver: Driver<QemuInitramfsOptions> = {
  ...real,
  name: 'told-qemu-initramfs',
  async open(request, context) {
    const session = await real.open(request, context)
    const { toolHost } = session
    const exec: ToolHost['exec'] = async (argv, options) => {
      const isMount = argv[0] === 'mount'
      const awaits = isMount && argv.some((word) => word.includes('remount,rw')) && 'HOST_DEPLOYER_REMOUNT_AWAITS_INTERRUPT' in process.env
      const interrupted = awaits ? once(process, 'SIGINT') : undefined
      process.stderr.write(`runs ${argv.join(' ')}\n`)
      await interrupted
      const hangs = isMount && 'HOST_DEPLOYER_MOUNT_HANGS' in process.env
      return toolHost.exec(hangs ? ['sleep', '100000'] : argv, options)
    }
    return { ...session, toolHost: { exec, fs: toolHost.fs } }
  },
}
