// A driver to name with `--driver`: qemu-initramfs without a template, each session boots.
import type { Driver } from '@host-deployer/driver-api'
import { type QemuInitramfsOptions, driver as real } from '@host-deployer/driver-qemu-initramfs'

export const driver: Driver<QemuInitramfsOptions> = {
  ...real,
  name: 'cold-boot',
  open: (request, context) => real.open(request, { ...context, options: { ...context.options, template: 'off' } }),
}
