import type { Driver } from '@host-deployer/driver-api'
import { defineDriver } from '@host-deployer/driver-kit'
import { openSession } from './open-session.ts'
import { optionsSchema, type QemuInitramfsOptions } from './options.ts'
import { prepareDriver } from './prepare.ts'
import { probeDriver } from './probe.ts'

/** Starts a throw-away VM of the appliance, cloned from a saved one or booted, with the disks of the request and nothing else in it. */
export const driver: Driver<QemuInitramfsOptions> = defineDriver({
  name: 'qemu-initramfs',
  options: optionsSchema,
  probe: probeDriver,
  open: openSession,
  prepare: prepareDriver,
})
