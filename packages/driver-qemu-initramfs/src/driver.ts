import type { Driver } from '@host-deployer/driver-api'
import { defineDriver } from '@host-deployer/driver-kit'
import { openSession } from './open-session.ts'
import { optionsSchema, type QemuInitramfsOptions } from './options.ts'
import { probeDriver } from './probe.ts'

/** Boots a throw-away VM from the appliance, with the disks of the request and nothing else in it. */
export const driver: Driver<QemuInitramfsOptions> = defineDriver({
  name: 'qemu-initramfs',
  options: optionsSchema,
  probe: probeDriver,
  open: openSession,
})
