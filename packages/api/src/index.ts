export type * from './report.ts'
export { REPORT_SCHEMA_VERSION } from './report.ts'
export type * from './request.ts'
export { Secret } from './secret.ts'
