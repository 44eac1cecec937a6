import type { ProbeReport } from '@host-deployer/api'

/**
 * `REPORT_SCHEMA_VERSION` of `api`; the compiler sees to it. Importing the value would load every schema, and what parses YAML, before a driver is asked to
 * open.
 */
export const reportVersion: ProbeReport['schemaVersion'] = 1
