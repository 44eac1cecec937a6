import type { UserRequest } from '@host-deployer/api'
import type { Diagnostic } from '@host-deployer/driver-api'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { includesSudoersDirectory, setSudoersRules } from './sudoers-rules.ts'

const main = guestPath('/etc/sudoers')
const directory = guestPath('/etc/sudoers.d')
const rulesFile = guestPath('/etc/sudoers.d/90-host-deployer-users')

export const sudoPaths = [main, rulesFile]

/**
 * Gives these users their rules in a file of our own, which sudo is made to read. Rules of others stay in it; rules are valid (`isSudoRule`).
 * A guest without sudo: diagnostic `SUDO_NOT_INSTALLED`, the rules are written all the same.
 */
export async function stageSudoRules(
  fs: WritableGuestFs,
  users: readonly Pick<UserRequest, 'name' | 'sudo'>[],
  diagnose: (diagnostic: Diagnostic) => void,
): Promise<void> {
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
  const rules = setSudoersRules(before, new Map(users.map(({ name, sudo }) => [name, sudo])))
  await fs.writeFile(rulesFile, rules, { mode: 0o440, uid: 0, gid: 0 })
}
