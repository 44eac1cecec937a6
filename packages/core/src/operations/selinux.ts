import type { DeployRequest } from '@host-deployer/api'
import { parseSelinuxConfig, renderLines, setSelinuxMode } from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import { defineOperation } from '../operation.ts'

const configPath = guestPath('/etc/selinux/config')

/**
 * `selinux`: the mode that SELinux has from the guest's next boot on. One line of `/etc/selinux/config` changes; a guest without the file has no SELinux,
 * and there is nothing to do. Labels of files are not touched.
 */
export const selinux = defineOperation<NonNullable<DeployRequest['selinux']>>({
  id: 'selinux',
  after: ['write-files', 'write-files-deferred'],
  reads: [configPath],
  select: ({ selinux }) => selinux,
  stage: async ({ fs, input }) => {
    const before = await fs.readTextIfExists(configPath)
    if (before === undefined) return 'skipped'
    await fs.writeFile(configPath, renderLines(setSelinuxMode(parseSelinuxConfig(before), input.mode)))
    return undefined
  },
})
