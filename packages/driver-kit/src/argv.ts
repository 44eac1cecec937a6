/** A program and its arguments. */
export type Argv = readonly [string, ...string[]]

/** Throws `TypeError` for what no `execve(2)` could take: an empty program name, NUL in an argument. Both are programming mistakes. */
export function assertArgv(argv: Argv): void {
  if (argv[0] === '') throw new TypeError('The program of a command cannot be empty')
  const bad = argv.find((argument) => argument.includes('\0'))
  if (bad !== undefined) throw new TypeError(`An argument cannot contain NUL: ${JSON.stringify(bad)}`)
}

/**
 * Quotes one word so that a POSIX shell takes it as exactly these bytes (XCU 2.2.2: nothing is special between single quotes but the single
 * quote itself). Used only where a transport insists on a command line, as SSH does.
 */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new TypeError(`A word cannot contain NUL: ${JSON.stringify(word)}`)
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/** {@link quoteWord} over a whole command. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ')
}

/** The start of a command for messages: program and first arguments, cut to a line. Never the standard input. */
export function describeArgv(argv: readonly string[]): string {
  const text = argv.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')
  return text.length <= 200 ? text : `${text.slice(0, 200)}...`
}
