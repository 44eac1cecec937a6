export { type BuildApplianceOptions, buildAppliance, defaultCacheDirectory } from './build-appliance.ts'
export { applianceInfo, installAppliance } from './install-appliance.ts'
