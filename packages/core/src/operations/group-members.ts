import type { GroupRequest } from '@host-deployer/api'
import { defineOperation } from '../operation.ts'
import { findGroup, findUser, writeAccountFiles } from '../strategies/accounts/account-files.ts'
import { addMember } from '../strategies/accounts/groups.ts'
import { openAccounts } from '../strategies/accounts/open-accounts.ts'

/**
 * Puts the members listed under `groups` into their groups. cloud-init does that before it makes users, and passes over those that do not exist yet;
 * here users of the same request count, so that a second run finds nothing left to do.
 */
export const groupMembers = defineOperation<readonly GroupRequest[]>({
  id: 'group-members',
  after: ['groups', 'users'],
  select: ({ groups }) => (groups?.some(({ members }) => members.length > 0) ? groups : undefined),
  stage: async (context) => {
    const files = await openAccounts(context)
    for (const { name, members } of context.input) {
      const group = findGroup(files, name)
      if (group === undefined) continue
      for (const member of members) {
        if (findUser(files, member) !== undefined) addMember(files, group.name, member)
        else {
          context.diagnose({
            severity: 'warning',
            code: 'GROUP_MEMBER_MISSING',
            summary: `${member} is not in the group ${name}: there is no such user`,
            path: 'groups',
          })
        }
      }
    }
    await writeAccountFiles(context.fs, files)
  },
})
