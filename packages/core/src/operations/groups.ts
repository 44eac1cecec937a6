import type { GroupRequest } from '@host-deployer/api'
import { defineOperation } from '../operation.ts'
import { accountPaths, writeAccountFiles } from '../strategies/accounts/account-files.ts'
import { ensureGroup } from '../strategies/accounts/groups.ts'
import { openAccounts } from '../strategies/accounts/open-accounts.ts'

/** Makes the groups of the key `groups` that the guest lacks. Their members follow when the users exist (`group-members`). */
export const groups = defineOperation<readonly GroupRequest[]>({
  id: 'groups',
  reads: accountPaths,
  select: ({ groups }) => (groups !== undefined && groups.length > 0 ? groups : undefined),
  stage: async (context) => {
    const files = await openAccounts(context)
    for (const { name } of context.input) ensureGroup(files, { name })
    await writeAccountFiles(context.fs, files)
  },
})
