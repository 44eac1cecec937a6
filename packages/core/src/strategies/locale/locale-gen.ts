import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { compiledNames, isBuiltInLocale, type LocaleName, normalCharset } from './locale-name.ts'

const directory = '/usr/lib/locale'
const archive = guestPath(`${directory}/locale-archive`)
// An archive of a handful of locales has 3 to 6 MB; the one with all of them, 200 MB, comes with the package named below.
const maxArchiveBytes = 16 * 1024 * 1024
const everyLocale = guestPath('/var/lib/dpkg/info/locales-all.list')

/** Whether the guest's C library can use the locale as it is: built in, a directory of its own, or a name in the archive. */
export async function isLocaleCompiled(fs: WritableGuestFs, locale: LocaleName): Promise<boolean> {
  if (isBuiltInLocale(locale)) return true
  const names = compiledNames(locale)
  for (const name of names) if (await fs.exists(guestPath(`${directory}/${name}`))) return true
  if (await fs.exists(everyLocale)) return true
  if (!(await fs.exists(archive))) return false
  const { type, sizeBytes } = await fs.stat(archive)
  if (type !== 'file' || sizeBytes > maxArchiveBytes) return false
  const bytes = Buffer.from(await fs.readFile(archive, { maxBytes: maxArchiveBytes }))
  return names.some((name) => bytes.includes(`\0${name}\0`))
}

export type LocaleGenResult = 'enabled' | 'unknown' | 'no-generator'

/**
 * Enables the locale's line in `/etc/locale.gen` (locale.gen(5)), so that `locale-gen` compiles it. `unknown`: the image's list of supported locales does
 * not have it; `no-generator`: the package locales is not installed.
 */
export async function enableInLocaleGen(fs: WritableGuestFs, name: string, locale: LocaleName): Promise<LocaleGenResult> {
  if (!(await fs.exists(guestPath('/usr/sbin/locale-gen')))) return 'no-generator'
  const path = guestPath('/etc/locale.gen')
  const text = (await fs.readTextIfExists(path)) ?? ''
  const supported = (await fs.readTextIfExists(guestPath('/usr/share/i18n/SUPPORTED'))) ?? ''
  const line = findLine(supported, name, locale) ?? findLine(text, name, locale)
  if (line === undefined && supported !== '') return 'unknown'
  const entry = line ?? `${name} ${locale.charset ?? 'ISO-8859-1'}`
  const lines = text.split('\n')
  if (lines.some((other) => words(other) === entry)) return 'enabled'
  const commented = lines.findIndex((other) => other.startsWith('#') && words(other.replace(/^#+/, '')) === entry)
  if (commented !== -1) lines[commented] = entry
  else if (lines.at(-1) === '') lines.splice(-1, 0, entry)
  else lines.push(entry, '')
  await fs.writeFile(path, lines.join('\n'))
  return 'enabled'
}

const words = (line: string) => line.trim().split(/\s+/).join(' ')

/** `en_US.UTF-8 UTF-8`: the first column as asked, or spelt otherwise (`en_US.utf8`); comment signs are no hindrance. */
function findLine(text: string, name: string, locale: LocaleName): string | undefined {
  const key = (language: string, charset: string | undefined, modifier: string | undefined) =>
    [language, charset === undefined ? '' : normalCharset(charset), modifier ?? ''].join('|')
  const wanted = key(locale.language, locale.charset, locale.modifier)
  for (const line of text.split('\n')) {
    const [first = '', charset, rest] = words(line.replace(/^#+/, '')).split(' ')
    if (charset === undefined || rest !== undefined) continue
    const [, language = '', ownCharset, modifier] = /^([^.@]+)(?:\.([^@]+))?(?:@(.+))?$/.exec(first) ?? []
    if (first === name || key(language, ownCharset, modifier) === wanted) return `${first} ${charset}`
  }
  return undefined
}
