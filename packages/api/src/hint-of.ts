import type { DeployError } from '@host-deployer/driver-api'
import { errorCatalogue } from './error-catalogue.ts'

/** What to do next about an error: its own hint, or else what the catalogue says of its code. Undefined for a code that neither knows. */
export function hintOf({ code, hint }: Pick<DeployError, 'code' | 'hint'>): string | undefined {
  return hint ?? (Object.hasOwn(errorCatalogue, code) ? errorCatalogue[code]?.remedy : undefined)
}
