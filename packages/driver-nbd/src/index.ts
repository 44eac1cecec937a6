export { driver } from './driver.ts'
export type { NbdOptions } from './options.ts'
