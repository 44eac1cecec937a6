import type { ConsoleTail } from './console-tail.ts'

/** Shell: makes the kernel of a template, and so of its clones, say on its console what it notices (printk in proc_sys_kernel(5)). */
export const SHOW_NOTICES = 'echo 6 >/proc/sys/kernel/printk'

// Linux, drivers/char/random.c, add_vmfork_randomness(): printed once the generator has been reseeded with the new generation id.
const RESEEDED = /crng reseeded due to virtual machine fork/

/** It takes some milliseconds; a kernel that cannot read the generation id never says it. */
const PATIENCE_MS = 1_000

/**
 * Whether the kernel of a clone that has just been let run confirms that its random numbers are its own from now on: it has seen its new generation id
 * (vmgenid) and reseeded its generator.
 */
export function confirmReseed(console: ConsoleTail): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, PATIENCE_MS, false)
  console.waitFor(RESEEDED).then(() => resolve(true))
  return promise.finally(() => clearTimeout(timer))
}
