import { DeployError } from '@host-deployer/driver-api'

/** Failures of a boot with KVM that emulation may not meet; the others blame the request, the caller or the machine as a whole. */
export function mayBeKvm(error: unknown): error is DeployError {
  if (!DeployError.isInstance(error)) return false
  return ['DRIVER_VM_SILENT', 'DRIVER_QEMU_EXITED', 'DRIVER_APPLIANCE_PANIC', 'TIMEOUT_BOOT'].includes(error.code)
}

/** Whether it shows by itself that KVM does not work: a kernel that emulation starts in any case has not said a word. */
export const showsBrokenKvm = ({ code }: DeployError): boolean => code === 'DRIVER_VM_SILENT'

// Whoever runs short of memory or of patience sends these; QEMU does not end itself by one of them.
const FROM_OUTSIDE = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGXCPU', 'SIGPIPE'])

/** What else is known about a failure with KVM. */
export interface KvmCircumstances {
  /** A boot with KVM has succeeded on this boot of the host. */
  readonly isKnownToWork: boolean
  readonly bootTimeoutMs: number
  /** How long a boot took in emulation when it was last measured. */
  readonly emulatedBootMs?: number
}

/**
 * Whether a failure with KVM shows that it does not work, given that the same VM came to life in emulation right after it. Not when somebody ended QEMU, nor
 * when it crashed where it has worked before, nor when the time was too short for emulation as well. Pure.
 */
export function isKvmsFault(error: DeployError, circumstances: KvmCircumstances): boolean {
  const { isKnownToWork, bootTimeoutMs, emulatedBootMs = 0 } = circumstances
  const { signal } = error.context
  if (typeof signal === 'string' && (isKnownToWork || FROM_OUTSIDE.has(signal))) return false
  return error.code !== 'TIMEOUT_BOOT' || emulatedBootMs <= bootTimeoutMs
}
