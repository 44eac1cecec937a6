import { readFile, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

const LIMIT_MS = 120_000

/**
 * Resolves when somebody holds a lock on an image, as QEMU does while it has it open. To try the image would be to lock it, and the one who is to hold it may be refused:
 * the kernel tells.
 */
export async function untilLocked(image: string): Promise<void> {
  const { ino } = await stat(image)
  for (const end = performance.now() + LIMIT_MS; performance.now() < end; await delay(20)) {
    if ((await readFile('/proc/locks', 'utf8')).includes(`:${ino} `)) return
  }
  throw new Error(`Nobody has locked ${image}`)
}
