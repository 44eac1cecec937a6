export { driver } from './driver.ts'
export type { QemuInitramfsOptions } from './options.ts'
