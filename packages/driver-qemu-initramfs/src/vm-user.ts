import { randomInt } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import type { QemuInitramfsOptions } from './options.ts'

/** Who QEMU runs as when we are root. */
export interface VmUser {
  readonly uid: number
  readonly gid: number
}

async function usedUids(): Promise<Set<number>> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  // A process may end while we look.
  const owners = await Promise.all(
    names.map((name) =>
      stat(`/proc/${name}`).then(
        ({ uid }) => uid,
        () => -1,
      ),
    ),
  )
  return new Set(owners)
}

/**
 * A user id no process has, at random out of the option's range, so that two sessions that choose at the same time differ as well.
 * `undefined`: QEMU runs as the caller, who is no root (or wants it so).
 */
export async function chooseVmUser(user: QemuInitramfsOptions['user']): Promise<VmUser | undefined> {
  if (user === 'caller' || process.getuid?.() !== 0) return undefined
  const used = await usedUids()
  const start = randomInt(user.uidCount)
  for (let step = 0; step < Math.min(user.uidCount, 10_000); step += 1) {
    const uid = user.uidBase + ((start + step) % user.uidCount)
    if (!used.has(uid)) return { uid, gid: uid }
  }
  throw new TypeError(`No user id is free between ${user.uidBase} and ${user.uidBase + user.uidCount - 1}`)
}
