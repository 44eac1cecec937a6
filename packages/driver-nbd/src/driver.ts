import type { Driver } from '@host-deployer/driver-api'
import { defineDriver } from '@host-deployer/driver-kit'
import { openSession } from './open-session.ts'
import { type NbdOptions, optionsSchema } from './options.ts'
import { probeDriver } from './probe.ts'

/** Attaches the disks of the request with qemu-nbd to this machine, whose kernel then mounts them. */
export const driver: Driver<NbdOptions> = defineDriver({
  name: 'nbd',
  options: optionsSchema,
  probe: probeDriver,
  open: openSession,
})
