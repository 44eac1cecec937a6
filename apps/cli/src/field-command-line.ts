/** Options that tell the command line of the platform's own program; its others are keys of host.conf in kebab case. */
const signature = /^--?(config|(common|local)[-_]config[-_]file|(image[-_])?deploy[-_][\w-]+)(=|$)/

/**
 * Whether these words (after the program's name) are a command line of the platform's own program, which has options and no verb:
 * `--common-config-file F --config G`. It means `serve`. Pure.
 */
export function isFieldCommandLine(words: readonly string[]): boolean {
  if (words[0]?.startsWith('-') !== true) return false
  if (words.some((word) => /^(--help|-h|--version|-V)$/.test(word))) return false
  return words.some((word) => signature.test(word))
}
