import type { Driver, StandardSchemaV1 } from '@host-deployer/driver-api'
import { defineDriver } from '@host-deployer/driver-kit'
import { openSession } from './open-session.ts'
import { probe } from './probe.ts'

/** This driver has none. Any Standard Schema will do: one of zod or valibot, or a dozen lines. */
const options: StandardSchemaV1<unknown, Record<string, never>> = {
  '~standard': {
    version: 1,
    vendor: 'driver-qsd-fuse',
    validate: (value) => {
      const keys = typeof value === 'object' && value !== null ? Object.keys(value) : ['(not an object)']
      return keys.length === 0 ? { value: {} } : { issues: keys.map((key) => ({ message: 'there is no such option', path: [key] })) }
    },
  },
}

/**
 * Shows disks as files by qemu-storage-daemon's FUSE export and makes loop devices of them. The kernel of this machine mounts what is on them: for
 * images one trusts.
 */
export const driver: Driver<Record<string, never>> = defineDriver({ name: 'qsd-fuse', options, probe, open: openSession })
