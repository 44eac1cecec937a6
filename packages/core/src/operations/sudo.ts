import { InputError } from '@host-deployer/driver-api'
import { isSudoRule } from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import { defineOperation } from '../operation.ts'
import { asksForAccounts, requestedUsers } from '../strategies/accounts/requested-accounts.ts'
import { includesSudoersDirectory, setSudoersRules } from '../strategies/accounts/sudoers-rules.ts'

const main = guestPath('/etc/sudoers')
const directory = guestPath('/etc/sudoers.d')
const rulesFile = guestPath('/etc/sudoers.d/90-host-deployer-users')

/** Writes the users' sudo rules into a file of our own. Rules of users whom the request does not name stay in it. */
export const sudo = defineOperation<true>({
  id: 'sudo',
  after: ['users'],
  reads: [main, rulesFile],
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
    const sudoers = await fs.readTextIfExists(main)
    if (sudoers === undefined) {
      diagnose({
        severity: 'warning',
        code: 'SUDO_NOT_INSTALLED',
        summary: 'The guest has no sudo: the rules count once it is installed',
        path: main,
      })
    } else if (!includesSudoersDirectory(sudoers, directory)) {
      // The old spelling, which every sudo reads.
      await fs.writeFile(main, `${sudoers.replace(/\n?$/, '\n')}#includedir ${directory}\n`)
    }
    await fs.makeDirectories(directory, { mode: 0o750 })
    const before = (await fs.readTextIfExists(rulesFile)) ?? ''
    await fs.writeFile(rulesFile, setSudoersRules(before, new Map(rules.map(({ name, sudo }) => [name, sudo]))), {
      mode: 0o440,
      uid: 0,
      gid: 0,
    })
    return undefined
  },
})
