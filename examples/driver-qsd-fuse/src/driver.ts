import type { Driver } from '@host-deployer/driver-api'
import { defineDriver } from '@host-deployer/driver-kit'
import { openSession } from './open-session.ts'
import { type Options, optionsSchema } from './options.ts'
import { probe } from './probe.ts'

/**
 * Shows disks as files by qemu-storage-daemon's FUSE export and makes loop devices of them. The kernel of this machine mounts what is on them: for
 * images one trusts.
 */
export const driver: Driver<Options> = defineDriver({ name: 'qsd-fuse', options: optionsSchema, probe, open: openSession })
