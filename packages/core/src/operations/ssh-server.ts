import { defineOperation } from '../operation.ts'
import { readSshdSettings, writeSshdSettings } from '../strategies/accounts/sshd-settings.ts'

/**
 * `ssh_pwauth` and an explicit `disable_root: false` in the SSH server's own configuration. Whether root may log in by a key is otherwise a matter of
 * root's keys (`ssh-keys`), as in cloud-init.
 */
export const sshServer = defineOperation<ReadonlyMap<string, string>>({
  id: 'ssh-server',
  reads: ['/etc/ssh/sshd_config', '/etc/ssh/sshd_config.d/'],
  select: ({ ssh_pwauth, disable_root }) => {
    const values = new Map<string, string>()
    if (ssh_pwauth !== undefined) values.set('PasswordAuthentication', ssh_pwauth ? 'yes' : 'no')
    if (disable_root === false) values.set('PermitRootLogin', 'yes')
    return values.size > 0 ? values : undefined
  },
  stage: async ({ fs, input, diagnose }) => {
    const settings = await readSshdSettings(fs)
    if (settings === undefined) {
      diagnose({
        severity: 'warning',
        code: 'SSH_SERVER_ABSENT',
        summary: `The guest has no OpenSSH server: ${[...input.keys()].join(' and ')} cannot be set`,
        path: '/etc/ssh/sshd_config',
      })
      return 'skipped'
    }
    await writeSshdSettings(fs, settings, input)
    return undefined
  },
})
