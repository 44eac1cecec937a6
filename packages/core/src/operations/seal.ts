import { guestPath, joinGuestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { firstBootPaths } from '../first-boot-unit/render-unit.ts'
import { defineOperation, type StageContext } from '../operation.ts'
import { clearLogs, clearMachineId, entriesOf, removeHistories, removeIdentity, removeQuietly } from '../seal/seal-guest.ts'
import { findUnit } from '../strategies/services/systemd.ts'
import { hostKeyCommand } from './first-boot.ts'

const stateDirectory = guestPath('/var/lib/host-deployer')
const cloudInitDisabled = guestPath('/etc/cloud/cloud-init.disabled')
const seedDirectory = '/var/lib/cloud/seed'

/**
 * `seal`: takes out of the guest what only one machine may have, so that machines can be made of it: SSH host keys, machine-id, what cloud-init and
 * host-deployer remember, leases, random seeds, logs, histories, crash dumps, temporary files, package caches (`seal/identity-paths.ts` has the list).
 * Accounts, their passwords and authorized_keys stay, and so does the network configuration, whoever wrote it (diagnostic `SEAL_KEEPS_NETWORK`).
 *
 * Host keys come back at the next boot, by the guest's own means or by a first-boot command. Runs after everything else the request asks for; what
 * `write_files` puts into one of these places goes with the rest. Refuses nothing.
 */
export const seal = defineOperation<true>({
  id: 'seal',
  after: [
    ...[
      'network',
      'write-files',
      'hostname',
      'hosts',
      'timezone',
      'locale',
      'groups',
      'users',
      'group-members',
      'password',
      'sudo',
      'ssh-keys',
    ],
    ...['ssh-server', 'login-account', 'write-files-deferred', 'mounts', 'selinux', 'cloud-init'],
  ],
  reads: ['/etc/passwd', '/etc/machine-id'],
  select: ({ seal }) => seal,
  stage: async (context) => {
    const { fs, request, diagnose } = context
    const delegated = request.cloud_init === 'delegate'
    await removeIdentity(fs, new Set(delegated ? [seedDirectory] : []))
    await clearMachineId(fs)
    await clearLogs(fs)
    await removeHistories(fs)
    if (!delegated) await bringBackHostKeys(context)
    await removeOwnState(context)
    // The platform's mark of an earlier deploy. A mark with a text in it is somebody's own.
    if (request.cloud_init === 'keep' && (await isEmptyFile(fs))) await removeQuietly(fs, cloudInitDisabled)
    diagnose({
      severity: 'info',
      code: 'SEAL_KEEPS_NETWORK',
      summary: 'The network configuration is left in the guest: machines made of it need their own when it holds an address',
    })
  },
})

async function isEmptyFile(fs: WritableGuestFs): Promise<boolean> {
  return (await fs.exists(cloudInitDisabled)) && (await fs.stat(cloudInitDisabled)).sizeBytes === 0
}

/** What an earlier deploy left, first-boot commands that never ran among it. What this request itself is about to write there stays. */
async function removeOwnState({ fs, request, firstBoot }: StageContext<true>): Promise<void> {
  const delegated = request.cloud_init === 'delegate'
  const written = (request.write_files ?? []).map(({ path }) => path)
  for (const { name } of await entriesOf(fs, stateDirectory)) {
    const path = joinGuestPath(stateDirectory, name)
    if (name === 'first-boot') continue
    const needed = !delegated && written.some((file) => file.startsWith(`${path}/`))
    if (!needed) await removeQuietly(fs, path)
  }
  const { early, late } = firstBoot.commands
  const wanted = {
    early: !delegated && early.length + (request.bootcmd ?? []).length > 0,
    late: !delegated && late.length + (request.runcmd ?? []).length > 0,
  }
  for (const stage of ['early', 'late'] as const) {
    if (wanted[stage]) continue
    const { unitFile, enabled, runner, commands } = firstBootPaths(stage)
    for (const path of [unitFile, enabled, runner, commands]) await removeQuietly(fs, guestPath(path))
  }
  for (const directory of [guestPath(firstBootPaths('early').directory), stateDirectory]) {
    if (wanted.early || wanted.late) continue
    if ((await fs.exists(directory)) && (await entriesOf(fs, directory)).length === 0) await removeQuietly(fs, directory)
  }
}

/** Fedora and its kin, and Debian from 13 on, have units that make missing host keys. */
const keygenUnits = ['sshd-keygen.target', 'sshd-keygen.service', 'sshd-keygen@.service']

async function needsHostKeyCommand(fs: WritableGuestFs): Promise<boolean> {
  for (const unit of keygenUnits) if ((await findUnit(fs, unit)) !== undefined) return false
  return true
}

async function bringBackHostKeys({ fs, facts, profile, firstBoot, diagnose }: StageContext<true>): Promise<void> {
  if (facts.sshServer !== 'openssh' || !(await needsHostKeyCommand(fs))) return
  if (profile.services === 'systemd' && facts.initSystem === 'systemd') {
    if (!firstBoot.commands.early.includes(hostKeyCommand)) firstBoot.early(hostKeyCommand)
    return
  }
  diagnose({
    severity: 'warning',
    code: 'SEAL_HOST_KEYS',
    summary: 'Nothing in the guest makes new SSH host keys: sshd does not start before somebody runs ssh-keygen -A',
    path: '/etc/ssh',
  })
}
