import type { Capabilities } from '@host-deployer/driver-api'

/** What every session of this driver can do, and what depends on the machine. */
export const capabilitiesOf = (found: Pick<Capabilities, 'partitionNodes' | 'lvm'>): Capabilities => ({
  isolated: false,
  xattrs: true,
  // The guest's programs would run as root on this machine.
  guestExec: false,
  ...found,
})
