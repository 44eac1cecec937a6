import {
  generatedHeader,
  globalSshdDirectives,
  globalSshdValue,
  parseSshdConfig,
  renderLines,
  type SshdConfig,
  setSshdValue,
  sshdIncludes,
} from '@host-deployer/formats'
import { type GuestFs, type GuestPath, guestPath, joinGuestPath, type WritableGuestFs } from '@host-deployer/guest-fs'

const mainPath = guestPath('/etc/ssh/sshd_config')
const dropInDirectory = guestPath('/etc/ssh/sshd_config.d')
// sshd takes the first value it meets, files in the order of their names: ours comes before a 50-cloud-init.conf.
const dropInName = '00-host-deployer.conf'

/** The server's configuration as far as it matters here. */
export interface SshdSettings {
  readonly main: SshdConfig
  /** Files of `sshd_config.d` in the order sshd reads them; `undefined` when the main file does not include them. */
  readonly dropIns: ReadonlyMap<GuestPath, SshdConfig> | undefined
}

const isDropInPattern = (pattern: string) => /^(\/etc\/ssh\/)?sshd_config\.d\/\*(\.conf)?$/.test(pattern)

/** Reads what sshd reads. `undefined`: there is no `/etc/ssh/sshd_config`. */
export async function readSshdSettings(fs: GuestFs): Promise<SshdSettings | undefined> {
  await fs.prefetch({ files: [mainPath], directories: [dropInDirectory] })
  const text = await fs.readTextIfExists(mainPath)
  if (text === undefined) return undefined
  const main = parseSshdConfig(text)
  if (!sshdIncludes(main).some(isDropInPattern)) return { main, dropIns: undefined }
  const dropIns = new Map<GuestPath, SshdConfig>()
  if (!(await fs.exists(dropInDirectory))) return { main, dropIns }
  for (const { name } of await fs.readdir(dropInDirectory)) {
    const path = joinGuestPath(dropInDirectory, name)
    if (!name.endsWith('.conf') || name.startsWith('.')) continue
    const dropIn = await fs.readTextIfExists(path)
    if (dropIn !== undefined) dropIns.set(path, parseSshdConfig(dropIn))
  }
  return { main, dropIns }
}

/** The value that holds for everybody, `undefined` for sshd's default. */
export function sshdValue({ main, dropIns }: SshdSettings, keyword: string): string | undefined {
  return globalSshdValue(main, keyword, (pattern) => (isDropInPattern(pattern) ? [...(dropIns?.values() ?? [])] : []))
}

/**
 * Makes the values hold for everybody: in a drop-in of our own where the main file includes the directory, else in the main file. What would be
 * read before our drop-in and says something else is changed in its place.
 */
export async function writeSshdSettings(fs: WritableGuestFs, settings: SshdSettings, values: ReadonlyMap<string, string>): Promise<void> {
  const { dropIns } = settings
  if (dropIns === undefined) {
    await fs.writeFile(mainPath, renderLines(withValues(settings.main, values, { beforeIncludes: true })))
    return
  }
  await fs.makeDirectories(dropInDirectory)
  const ours = joinGuestPath(dropInDirectory, dropInName)
  const dropIn = withValues(dropIns.get(ours) ?? parseSshdConfig(generatedHeader('#')), values)
  await fs.writeFile(ours, renderLines(dropIn), dropIns.has(ours) ? {} : { mode: 0o644 })
  for (const [path, config] of dropIns) if (path < ours) await fs.writeFile(path, renderLines(withPresentValues(config, values)))
  await fs.writeFile(mainPath, renderLines(withPresentValues(settings.main, values, isBeforeDropIns)))
}

function withValues(config: SshdConfig, values: ReadonlyMap<string, string>, options = {}): SshdConfig {
  let changed = config
  for (const [keyword, value] of values) changed = setSshdValue(changed, keyword, value, options)
  return changed
}

/** Changes keywords that the file sets globally; adds none. */
function withPresentValues(
  config: SshdConfig,
  values: ReadonlyMap<string, string>,
  counts: (config: SshdConfig, keyword: string) => boolean = () => true,
): SshdConfig {
  const present = [...values].filter(([keyword]) => {
    const set = globalSshdDirectives(config).some((directive) => directive.keyword === keyword.toLowerCase())
    return set && counts(config, keyword.toLowerCase())
  })
  return withValues(config, new Map(present))
}

function isBeforeDropIns(config: SshdConfig, keyword: string): boolean {
  const directives = globalSshdDirectives(config)
  const include = directives.findIndex((directive) => directive.keyword === 'include' && directive.args.some(isDropInPattern))
  return directives.slice(0, include).some((directive) => directive.keyword === keyword)
}
