import { openDriver } from './open-driver.ts'

/**
 * Has the template's memory held for this process, as a daemon does for itself: all that starts meanwhile is a clone that shares it. False where that does
 * not work here; each clone has a copy then.
 */
export async function holdTemplate(directory: string): Promise<boolean> {
  const { driver, context } = await openDriver('qemu-initramfs', directory, {})
  const { keptFor } = (await driver.prepare?.(context, { keepFor: process.pid })) ?? {}
  return keptFor === process.pid
}
