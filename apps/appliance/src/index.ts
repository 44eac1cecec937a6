export type { Appliance } from '@host-deployer/driver-qemu-initramfs/appliance'
export { type BuildApplianceOptions, buildAppliance, defaultCacheDirectory } from './build-appliance.ts'
export { machineSources } from './debian-packages.ts'
export { applianceInfo, installAppliance } from './install-appliance.ts'
