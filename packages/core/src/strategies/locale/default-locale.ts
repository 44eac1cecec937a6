import { parseShellAssignments, renderLines, setShellValue } from '@host-deployer/formats'
import { type GuestPath, guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'

const localeConf = guestPath('/etc/locale.conf')
const defaultLocale = guestPath('/etc/default/locale')

// From this version on Debian's systemd reads /etc/locale.conf itself, and /etc/default/locale is a link to it.
const localeConfSystemdVersion = 256

/**
 * Sets `LANG` as `update-locale LANG=…` would, everything else in the file untouched. The image decides the file: `/etc/default/locale`, through its
 * link to `/etc/locale.conf` where it is one; a `/etc/locale.conf` beside it is kept in step. An image with neither gets what its release has.
 */
export async function stageDefaultLocale(fs: WritableGuestFs, lang: string, systemdVersion: number | null): Promise<void> {
  const hasDefault = await fs.exists(defaultLocale)
  const hasConf = await fs.exists(localeConf)
  if (!hasDefault && !hasConf && systemdVersion !== null && systemdVersion >= localeConfSystemdVersion) {
    await fs.makeDirectories(guestPath('/etc/default'))
    await fs.symlink('../locale.conf', defaultLocale)
    await stageLang(fs, localeConf, lang)
    return
  }
  await stageLang(fs, defaultLocale, lang)
  if (hasConf) await stageLang(fs, localeConf, lang)
}

/** Sets `LANG` in one file of shell assignments. */
export async function stageLang(fs: WritableGuestFs, path: GuestPath, lang: string): Promise<void> {
  const file = parseShellAssignments((await fs.readTextIfExists(path)) ?? '')
  await fs.makeDirectories(guestPath(path.slice(0, path.lastIndexOf('/')) || '/'))
  await fs.writeFile(path, renderLines(setShellValue(file, 'LANG', lang)))
}
