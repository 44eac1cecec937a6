import type { Command } from '@host-deployer/api'
import { InputError, OperationError } from '@host-deployer/driver-api'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { renderCommands } from '../first-boot-unit/render-commands.ts'
import { renderFirstBootRunner } from '../first-boot-unit/render-runner.ts'
import { type FirstBootStage, firstBootPaths, renderFirstBootUnit } from '../first-boot-unit/render-unit.ts'
import { defineOperation } from '../operation.ts'

/** Makes the host keys that are missing, ssh-keygen(1). */
export const hostKeyCommand = ['ssh-keygen', '-A'] as const

interface FirstBootInput {
  readonly bootcmd: readonly Command[]
  readonly runcmd: readonly Command[]
}

/**
 * `bootcmd`, `runcmd`, and what other operations left for the first boot, as systemd units that run once and remove themselves.
 *
 * Early commands run before the network and before ordinary services, late ones when the system is up and online. Both run at most once: what would start
 * them again is removed before the first command. That is a difference to cloud-init, whose `bootcmd` runs at every boot. Output goes to
 * `/var/log/host-deployer-first-boot.log`. Commands of other operations come before the request's.
 *
 * `OPERATION_FIRST_BOOT_UNSUPPORTED` for a guest without systemd, `INPUT_COMMAND_INVALID` for a command with NUL.
 */
export const firstBoot = defineOperation<FirstBootInput>({
  id: 'first-boot',
  after: ['write-files', 'network', 'locale', 'users', 'write-files-deferred', 'cloud-init', 'seal'],
  reads: ['/etc/systemd/system/multi-user.target.wants/', '/var/lib/host-deployer/first-boot/'],
  // Other operations may have left commands, which the request does not tell.
  select: ({ bootcmd = [], runcmd = [] }) => ({ bootcmd, runcmd }),
  stage: async ({ fs, facts, profile, input, firstBoot: collected }) => {
    const early = [...collected.commands.early, ...input.bootcmd]
    const late = [...collected.commands.late, ...input.runcmd]
    if (early.length === 0 && late.length === 0) return 'skipped'
    if (profile.services !== 'systemd' || facts.initSystem !== 'systemd') {
      throw new OperationError(
        'OPERATION_FIRST_BOOT_UNSUPPORTED',
        `Commands at the first boot need systemd; the image has ${facts.initSystem}`,
        {
          hint: 'Leave runcmd and bootcmd out of the request.',
          context: { initSystem: facts.initSystem },
        },
      )
    }
    const changed = [await stageCommands(fs, 'early', early), await stageCommands(fs, 'late', late)]
    return changed.includes(true) ? 'staged-first-boot' : undefined
  },
})

/** Resolves with whether something was not there yet. */
async function stageCommands(fs: WritableGuestFs, stage: FirstBootStage, commands: readonly Command[]): Promise<boolean> {
  if (commands.length === 0) return false
  if (commands.flat().some((word) => word.includes('\0'))) {
    throw new InputError('INPUT_COMMAND_INVALID', `A command of ${stage === 'early' ? 'bootcmd' : 'runcmd'} contains NUL`, {
      hint: 'Remove the NUL character; write_files with base64 can carry binary data.',
    })
  }
  const paths = firstBootPaths(stage)
  const before = await fs.readTextIfExists(guestPath(paths.commands))
  // A sealed guest that has not booted yet still waits for its host keys.
  const awaitsHostKeys = before?.includes(renderCommands([hostKeyCommand]).split('\n')[1] ?? '') === true
  const hasHostKeys = commands.some((command) => renderCommands([command]) === renderCommands([hostKeyCommand]))
  const script = renderCommands(awaitsHostKeys && !hasHostKeys ? [hostKeyCommand, ...commands] : commands)
  const staged = before === script && (await fs.exists(guestPath(paths.enabled)))

  const root = { uid: 0, gid: 0 }
  await fs.makeDirectories(guestPath(paths.directory.slice(0, paths.directory.lastIndexOf('/'))), { mode: 0o755, ...root })
  await fs.makeDirectories(guestPath(paths.directory), { mode: 0o700, ...root })
  await fs.writeFile(guestPath(paths.commands), script, { mode: 0o700, ...root, sensitive: true })
  await fs.writeFile(guestPath(paths.runner), renderFirstBootRunner(stage), { mode: 0o700, ...root })
  await fs.writeFile(guestPath(paths.unitFile), renderFirstBootUnit(stage), { mode: 0o644, ...root })
  await fs.makeDirectories(guestPath(paths.enabled.slice(0, paths.enabled.lastIndexOf('/'))))
  await fs.symlink(paths.unitFile, guestPath(paths.enabled))
  return !staged
}
