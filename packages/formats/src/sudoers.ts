const reserved = /^(ALL|Defaults|User_Alias|Runas_Alias|Host_Alias|Cmnd_Alias|Cmd_Alias)$/

/**
 * A user name as a sudoers(5) rule needs it. Plain names stay; others are quoted, so that a name in capitals is not taken for an alias
 * and `%`, `#`, `+` in front have no meaning. Throws `RangeError` for a name that cannot be written (quote, backslash, control character).
 */
export function escapeSudoersUser(name: string): string {
  if (name === '' || /["\\]|[^\x20-\x7e\u00a0-\uffff]/.test(name))
    throw new RangeError(`Not a user name for sudoers: ${JSON.stringify(name)}`)
  return /^[a-z_][a-z0-9_.-]*$/.test(name) && !reserved.test(name) ? name : `"${name}"`
}

/**
 * True for the part of a rule after the user as cloud-init's `sudo:` has it, `ALL=(ALL) NOPASSWD:ALL`: one line, hosts and `=` and at least
 * one command, balanced parentheses and quotes, no comment, no continuation. `visudo -c` has the last word.
 */
export function isSudoRule(rule: string): boolean {
  if (!/^[^\r\n\0]+$/.test(rule) || /\\$/.test(rule.trimEnd())) return false
  const plain = rule.replaceAll(/\\.|"[^"]*"/g, 'x')
  if (plain.includes('"') || /(^|\s)#(?!\d)/.test(plain)) return false
  const equals = plain.indexOf('=')
  const hosts = plain.slice(0, equals)
  if (equals === -1 || !/^[^()\s][^()]*$/.test(hosts.trim())) return false
  const commands = plain.slice(equals + 1).replaceAll(/\([^()]*\)/g, '')
  return !/[()]/.test(commands) && commands.split(',').every((command) => command.replace(/^(\s*[A-Z_]+\s*:)*/, '').trim() !== '')
}

/** True for a name that sudo reads in `/etc/sudoers.d`: no dot, no tilde at the end, no slash. */
export function isSudoersDropInName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_+-]*$/.test(name)
}

export interface SudoersRules {
  readonly user: string
  /** See {@link isSudoRule}. */
  readonly rules: readonly string[]
}

/**
 * Renders a drop-in for `/etc/sudoers.d` (mode 0440), one line for each rule.
 * Throws `RangeError` for a user or rule that cannot be written.
 */
export function renderSudoers(users: readonly SudoersRules[], header = ''): string {
  const blocks = users.map(({ user, rules }) => {
    const bad = rules.find((rule) => !isSudoRule(rule))
    if (bad !== undefined) throw new RangeError(`sudoers(5): not a rule: ${JSON.stringify(bad)}`)
    return rules.map((rule) => `${escapeSudoersUser(user)} ${rule.trim()}\n`).join('')
  })
  return header + blocks.join('')
}
