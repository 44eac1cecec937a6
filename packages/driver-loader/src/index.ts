export type { DriverSpecifier } from './driver-specifier.ts'
export { driverSpecifier } from './driver-specifier.ts'
export type { LoadDriverOptions, LoadedDriver } from './load-driver.ts'
export { loadDriver } from './load-driver.ts'
