import * as z from 'zod'
import type { GroupRequest } from '../request.ts'
import { commaList, isAccountName } from './scalars.ts'

const byName = z.record(
  z.string(),
  z.union([commaList, z.null()]).transform((names) => names ?? []),
)

/** `groups` of cloud-config: names separated by commas, a list of names and of maps from name to members, or one such map. */
export const groups = z.union([z.array(z.union([commaList, byName])), commaList, byName]).transform((value, context): GroupRequest[] => {
  const members = new Map<string, Set<string>>()
  const add = (name: string, names: readonly string[], path: PropertyKey[]) => {
    if (![name, ...names].every(isAccountName)) {
      context.addIssue({
        code: 'custom',
        path,
        message: 'has a name that is not a user or group name',
        params: { code: 'INPUT_NAME_INVALID' },
      })
    }
    members.set(name, new Set([...(members.get(name) ?? []), ...names]))
  }
  for (const [index, item] of (Array.isArray(value) ? value : [value]).entries()) {
    const path = Array.isArray(value) && typeof item !== 'string' ? [index] : []
    if (typeof item === 'string') add(item, [], path)
    else if (Array.isArray(item)) for (const name of item) add(name, [], path)
    else for (const [name, names] of Object.entries(item)) add(name, names, [...path, name])
  }
  return [...members].map(([name, names]) => ({ name, members: [...names] }))
})
