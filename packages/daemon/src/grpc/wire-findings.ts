import { type Diagnostic, InputError } from '@host-deployer/driver-api'

/** A field that cannot be used as it is, and is no reason to fail. */
export const ignored = (path: string, what: string): Diagnostic => ({
  severity: 'warning',
  code: 'WIRE_VALUE_IGNORED',
  summary: `left out: ${what}`,
  path,
})

/** About the field at `path`; says what is wrong with it, not what it says. */
export function networkError(code: `INPUT_NETWORK_${string}`, path: string, problem: string): InputError {
  return new InputError(code, `${path}: ${problem}`, { hint: 'Correct the network of the machine.', context: { path } })
}
