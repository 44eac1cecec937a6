import * as z from 'zod'
import { HiddenText } from './hidden-text.ts'

// The init scripts of yunionos export every word of the kernel command line, and a shell ends where it is told to export what is no name.
const SHELL_WORDS = /^[A-Za-z_]\w*(=[\w.,:/+-]*)?( [A-Za-z_]\w*(=[\w.,:/+-]*)?)*$/

/** A kernel and an initramfs of somebody else, yunionos for one: no manifest, SSH with a password over a network, whatever tools it has. */
export const stockSchema = z
  .strictObject({
    /** The kernel as it was built: a bzImage, or an ELF kernel with a PVH note. */
    kernel: z.string().startsWith('/'),
    /** Started as it is, byte for byte. */
    initramfs: z.string().startsWith('/'),
    /** Who logs in. Has to be able to do everything. */
    username: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]*$/)
      .default('root'),
    password: z
      .string()
      .min(1)
      .transform((text) => new HiddenText(text))
      .optional(),
    /** A file whose first line is the password. */
    passwordFile: z.string().startsWith('/').optional(),
    /** Words that a shell can export: names, with or without a value. The console has to stay on `ttyS0` for its last lines to reach a report. */
    kernelCommandLine: z.string().regex(SHELL_WORDS).default('console=ttyS0 quiet vsyscall=emulate rootfstype=ramfs panic=-1'),
  })
  .refine(({ password, passwordFile }) => (password === undefined) !== (passwordFile === undefined), {
    error: 'needs either password or passwordFile',
  })

/** Validated. */
export type StockOptions = z.output<typeof stockSchema>
