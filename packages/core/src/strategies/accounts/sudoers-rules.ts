import { generatedHeader } from '@host-deployer/formats'

const sectionStart = /^# Rules of (\S+)$/

/**
 * The text of our file in `sudoers.d` after giving each user exactly these rules. Sections of other users stay as they are.
 * Users keep their place; new ones follow in the map's order.
 */
export function setSudoersRules(text: string, rules: ReadonlyMap<string, readonly string[]>): string {
  const sections = new Map<string, string>()
  let current: string | undefined
  for (const line of text.split('\n')) {
    current = sectionStart.exec(line)?.[1] ?? current
    if (current !== undefined && line !== '') sections.set(current, `${sections.get(current) ?? ''}${line}\n`)
  }
  for (const [name, lines] of rules) {
    sections.set(name, [`# Rules of ${name}`, ...lines.map((rule) => `${sudoersUser(name)} ${rule.trim()}`), ''].join('\n'))
  }
  return [generatedHeader('#'), ...sections.values()].join('\n')
}

// In upper case an unquoted name would be an alias.
const sudoersUser = (name: string) => (/^[a-z_][a-z0-9_-]*$/.test(name) ? name : `"${name}"`)

/** Whether sudoers(5) reads a directory: `@includedir`, or `#includedir`, which is no comment. */
export function includesSudoersDirectory(sudoers: string, directory: string): boolean {
  return sudoers.split('\n').some((line) => {
    const [, target] = /^\s*[@#]includedir\s+"?([^"\s]+?)\/?"?\s*$/.exec(line) ?? []
    return target === directory
  })
}

// `HOSTS = [(RUNAS)] [TAGS:] COMMANDS [: HOSTS = ...]`, sudoers(5). Not the whole grammar, but what passes it is one user specification: it cannot
// turn into a comment, an include, a default or an alias, and a line that sudo cannot read would lock everybody out.
const host = String.raw`!?[\w.*%+:/-]+`
const runas = String.raw`\(\s*[^()=\\"#]*\)`
const tag = String.raw`(?:NO)?(?:EXEC|FOLLOW|LOG_INPUT|LOG_OUTPUT|MAIL|PASSWD|SETENV|INTERCEPT)\s*:`
const command = String.raw`!?\s*(?:[A-Z][A-Z0-9_]*|sudoedit(?:\s[^,\\#=:]+)?|list|/(?:[^,\\#=:\s]|\\[,\\=:* ])+(?:\s+(?:[^,\\#=:]|\\[,\\=:#* ])+)?)`
const commandSpec = String.raw`(?:${runas}\s*)?(?:${tag}\s*)*${command}`
const rule = new RegExp(String.raw`^${host}(?:\s*,\s*${host})*\s*=\s*${commandSpec}(?:\s*,\s*${commandSpec})*$`)

/** Whether a text can follow a user's name in sudoers(5): `ALL=(ALL:ALL) NOPASSWD: /usr/bin/apt-get`. */
export function isSudoersRule(text: string): boolean {
  return text.length < 4096 && !/[\n\r\0]/.test(text) && rule.test(text.trim())
}
