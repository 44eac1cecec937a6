import type { Command } from '@host-deployer/api'

/**
 * What has to wait for the guest's first boot, collected while operations are staged. `bootcmd` runs early, before the network; `runcmd` late,
 * when the system is up. Each command runs once; the unit removes itself.
 */
export interface FirstBoot {
  early(command: Command): void
  late(command: Command): void
  readonly commands: { readonly early: readonly Command[]; readonly late: readonly Command[] }
}

export function createFirstBoot(): FirstBoot {
  const early: Command[] = []
  const late: Command[] = []
  return {
    early: (command) => void early.push(command),
    late: (command) => void late.push(command),
    commands: { early, late },
  }
}
