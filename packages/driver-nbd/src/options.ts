import * as z from 'zod'

/** The driver's section of the configuration. Every option has a default. */
export const optionsSchema = z.strictObject({
  /**
   * The images may meet the kernel of this machine. A file system made to break it then can: say so only of images that come from nobody else. Without
   * it no session is opened.
   */
  trustImages: z.boolean().default(false),
  /** `kernel`: the nbd module; `fuse`: nbdfuse and a loop device, no module needed; `auto`: the first that works. */
  attach: z.enum(['auto', 'kernel', 'fuse']).default('auto'),
  /** qemu-nbd's program: a name to look up in the system's directories, or an absolute path. */
  qemuNbd: z.string().min(1).default('qemu-nbd'),
  /** From the start of qemu-nbd until the device is there, for each disk. */
  attachTimeoutMs: z.int().positive().default(30_000),
  /** How long a close waits for each thing the kernel has to let go of. */
  releaseTimeoutMs: z.int().positive().default(10_000),
})

/** Validated options. */
export type NbdOptions = z.output<typeof optionsSchema>
