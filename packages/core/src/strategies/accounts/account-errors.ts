import { InputError, OperationError } from '@host-deployer/driver-api'
import { isAccountName } from '@host-deployer/formats'

/** `InputError` `INPUT_NAME_INVALID` for a name that useradd(8) of upstream shadow-utils refuses. */
export function assertAccountName(name: string): void {
  if (isAccountName(name)) return
  throw new InputError('INPUT_NAME_INVALID', `Not a name for a user or group: ${JSON.stringify(name)}`, {
    hint: 'Use up to 32 letters, digits, "-", "_" and ".", not starting with "-" and not only digits.',
    context: { name },
  })
}

/** `INPUT_USER`: a field that the account files cannot hold. */
export function badField(name: string, key: string, problem: string): InputError {
  return new InputError('INPUT_USER', `${key} of the user ${name} ${problem}`, {
    hint: `Correct "${key}" of the user ${JSON.stringify(name)} in the request.`,
    context: { name, key },
  })
}

/** `OPERATION_GROUP_MISSING`. */
export function missingGroup(user: string, group: string): OperationError {
  return new OperationError(
    'OPERATION_GROUP_MISSING',
    `The user ${user} cannot be put into ${JSON.stringify(group)}: there is no such group`,
    {
      hint: 'List the group under "groups", or leave "create_groups" on.',
      context: { user, group },
    },
  )
}

/** `OPERATION_NO_FREE_ID`. */
export function noFreeId(kind: 'user' | 'group', name: string): OperationError {
  return new OperationError('OPERATION_NO_FREE_ID', `No number is left for the ${kind} ${name}`, {
    hint: 'Widen the ranges in the guest\'s /etc/login.defs, or give a "uid".',
    context: { name },
  })
}
