import type { StandardSchemaV1 } from '@host-deployer/driver-api'

/** The driver's section of a configuration. Every option has a default. */
export interface Options {
  /** Images may meet the kernel of this machine. Default: no, and then no session is opened. `--trust-image` on the command line says yes. */
  readonly trustImages: boolean
}

/** Any Standard Schema will do: one of zod or valibot, or this. */
export const optionsSchema: StandardSchemaV1<unknown, Options> = {
  '~standard': {
    version: 1,
    vendor: 'driver-qsd-fuse',
    validate: (value) => {
      if (typeof value !== 'object' || value === null) return { issues: [{ message: 'options are an object' }] }
      const { trustImages = false, ...unknown } = value as Readonly<Record<string, unknown>>
      const issues = Object.keys(unknown).map((key) => ({ message: 'there is no such option', path: [key] }))
      if (typeof trustImages === 'boolean' && issues.length === 0) return { value: { trustImages } }
      return { issues: typeof trustImages === 'boolean' ? issues : [...issues, { message: 'true or false', path: ['trustImages'] }] }
    },
  },
}
