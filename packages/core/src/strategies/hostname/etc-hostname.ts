import { parseHostnameFile, renderLines, setHostname } from '@host-deployer/formats'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'

const path = guestPath('/etc/hostname')

/** Sets the name in `/etc/hostname`, hostname(5); comments in it stay. */
export async function stageEtcHostname(fs: WritableGuestFs, name: string): Promise<void> {
  const file = parseHostnameFile((await fs.readTextIfExists(path)) ?? '')
  await fs.writeFile(path, renderLines(setHostname(file, name)))
}
