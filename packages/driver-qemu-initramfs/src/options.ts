import * as z from 'zod'
import { stockSchema } from './stock-options.ts'

/** User ids outside of what accounts, containers and systemd use; see systemd's UIDS-GIDS document. */
const DEFAULT_UID_BASE = 1_879_048_192
const DEFAULT_UID_COUNT = 268_435_456

/** What our appliance needs, and yunionos, which unpacks to twice as much. */
const DEFAULT_MEMORY_MB = { appliance: 256, stock: 768 }

const givenSchema = z.strictObject({
  /** Directory of the appliance. Default: `appliance/<architecture>` in the cache directory. */
  appliance: z.string().startsWith('/').optional(),
  /** Boot this instead of the appliance. Sessions are never clones then. */
  stock: stockSchema.optional(),
  /** QEMU's program: a name to look up in the system's directories, or an absolute path. */
  qemu: z.string().min(1).default('qemu-system-x86_64'),
  /** `auto`: KVM where booting the appliance with it succeeds, else emulation (TCG). */
  accel: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
  /**
   * `auto`: sessions are clones of a VM that was booted once and saved, where that works; the first one saves it. `off`: each session boots. See
   * docs/adr/0003-clones-from-a-saved-state.md. Default `auto`; with `stock`, which cannot be cloned, `off`.
   */
  template: z.enum(['auto', 'off']).optional(),
  /** RAM of the VM. Default 256, with `stock` 768. */
  memoryMb: z.int().min(128).max(65_536).optional(),
  /** QEMU's machine type. */
  machine: z
    .string()
    .regex(/^[\w.-]+$/)
    .default('q35'),
  /** QEMU's CPU model. Default: `host` with KVM, `qemu64,+rdrand` (the fastest to boot) in emulation. */
  cpu: z
    .string()
    .regex(/^[\w.,=+-]+$/)
    .optional(),
  /** From the start of QEMU to the end of the SSH login. */
  bootTimeoutMs: z.int().positive().default(120_000),
  /** For commands whose caller sets no limit of its own. */
  commandTimeoutMs: z.int().positive().default(600_000),
  /** A KVM guest that has not written a byte to its console after so long does not run. Only while the verdict on KVM is open. */
  kvmSilenceMs: z.int().positive().default(3_000),
  /**
   * As root, each QEMU gets a user id of its own out of this range. `caller`: QEMU runs as whoever runs us, root included; for hosts where
   * no other id can be had.
   */
  user: z
    .union([z.literal('caller'), z.strictObject({ uidBase: z.int().min(1), uidCount: z.int().min(1) })])
    .default({ uidBase: DEFAULT_UID_BASE, uidCount: DEFAULT_UID_COUNT }),
})

/** The driver's section of the configuration. Every option has a default. */
export const optionsSchema = givenSchema.transform((given) => ({
  ...given,
  memoryMb: given.memoryMb ?? DEFAULT_MEMORY_MB[given.stock === undefined ? 'appliance' : 'stock'],
  template: given.template ?? (given.stock === undefined ? ('auto' as const) : ('off' as const)),
}))

/** Validated options. */
export type QemuInitramfsOptions = z.output<typeof optionsSchema>
