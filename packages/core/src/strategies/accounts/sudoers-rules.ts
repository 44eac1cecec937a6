import { generatedHeader, renderSudoers } from '@host-deployer/formats'

const sectionStart = /^# Rules of (\S+)$/

/**
 * The text of our file in `sudoers.d` after giving each user exactly these rules. Sections of other users stay as they are.
 * Users keep their place; new ones follow in the map's order. Throws `RangeError` for a rule that is not `isSudoRule`.
 */
export function setSudoersRules(text: string, rules: ReadonlyMap<string, readonly string[]>): string {
  const sections = new Map<string, string>()
  let current: string | undefined
  for (const line of text.split('\n')) {
    current = sectionStart.exec(line)?.[1] ?? current
    if (current !== undefined && line !== '') sections.set(current, `${sections.get(current) ?? ''}${line}\n`)
  }
  for (const [name, lines] of rules) {
    sections.set(name, renderSudoers([{ user: name, rules: lines }], `# Rules of ${name}\n`))
  }
  return [generatedHeader('#'), ...sections.values()].join('\n')
}

/** Whether sudoers(5) reads a directory: `@includedir`, or `#includedir`, which is no comment. */
export function includesSudoersDirectory(sudoers: string, directory: string): boolean {
  return sudoers.split('\n').some((line) => {
    const [, target] = /^\s*[@#]includedir\s+"?([^"\s]+?)\/?"?\s*$/.exec(line) ?? []
    return target === directory
  })
}
