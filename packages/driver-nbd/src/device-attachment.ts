import { argumentsOf, isFirstProcessNamespace, isNbdEmpty, nbdAttachedBy } from '@host-deployer/driver-kit'
import { isDetached } from './kernel-device.ts'

/** Whose one nbd device is, as far as the session that attaches it can tell. */
export interface DeviceAttachment {
  /** What {@link nbdAttachedBy} told when the device had become ours. */
  attachedBy(): number | undefined
  /** Looks whether it has. */
  hasBecomeOurs(): Promise<boolean>
  /** Whether it still is. */
  isOurs(): Promise<boolean>
  /** For after our qemu-nbd has ended: whether the kernel has let the device go, too. */
  isGone(): Promise<boolean>
}

/** What a verbose qemu-nbd says once the kernel has taken its socket, in every version. As long as that is attached, nobody else's is taken. */
const CONNECTED = /^NBD device \S+ is now connected/m

/**
 * `name` is the kernel's, `marker` an argument of our qemu-nbd alone, and `stderr` gives what that has said so far. Which process the kernel's number stands
 * for is seen only in the machine's first process namespace; in a container with one of its own it is what qemu-nbd says that counts, and then the number.
 */
export function watchAttachment(name: string, marker: string, stderr: () => string): DeviceAttachment {
  let attachedBy: number | undefined
  const isConnected = (): boolean => CONNECTED.test(stderr())
  const isOurProgram = async (pid: number): Promise<boolean> =>
    (await isFirstProcessNamespace()) && (await argumentsOf(pid)).includes(marker)
  const isOurs = async (): Promise<boolean> => attachedBy !== undefined && (await nbdAttachedBy(name)) === attachedBy
  return {
    attachedBy: () => attachedBy,
    isOurs,
    async hasBecomeOurs() {
      // In this order: what is attached after it was said is ours.
      const connected = isConnected()
      const now = await nbdAttachedBy(name)
      if (now === undefined || (await isNbdEmpty(name)) || !(connected || (await isOurProgram(now)))) return false
      attachedBy = now
      return true
    },
    async isGone() {
      if (attachedBy !== undefined) return !(await isOurs())
      return !isConnected() || (await isDetached(name))
    },
  }
}
