import { InputError } from '@host-deployer/driver-api'
import { isSudoRule } from '@host-deployer/formats'
import { defineOperation } from '../operation.ts'
import { asksForAccounts, requestedUsers } from '../strategies/accounts/requested-accounts.ts'
import { stageSudoRules, sudoPaths } from '../strategies/accounts/stage-sudo-rules.ts'

/** Writes the users' sudo rules into a file of our own. Rules of users whom the request does not name stay in it. */
export const sudo = defineOperation<true>({
  id: 'sudo',
  after: ['users'],
  reads: sudoPaths,
  select: (request) => (asksForAccounts(request) ? true : undefined),
  stage: async ({ fs, diagnose, ...context }) => {
    const rules = requestedUsers(context).filter((user) => user.sudo.length > 0)
    if (rules.length === 0) return 'skipped'
    for (const { name, sudo } of rules) {
      const bad = sudo.find((rule) => !isSudoRule(rule))
      if (bad === undefined) continue
      throw new InputError('INPUT_SUDO_RULE', `Not a sudo rule of the user ${name}: ${JSON.stringify(bad)}`, {
        hint: 'Write it as in sudoers(5), without the user: "ALL=(ALL) NOPASSWD:ALL".',
        context: { name },
      })
    }
    await stageSudoRules(fs, rules, diagnose)
    return undefined
  },
})
