import type { Command } from '@host-deployer/api'

/**
 * Commands as one script, as cloud-init's runcmd makes it: a string is a line of shell, a list is a program with its arguments, each quoted. They share one
 * shell (`cd` and variables carry on), and a failing one does not stop the next; the script's status is that of the last.
 */
export function renderCommands(commands: readonly Command[]): string {
  const lines = commands.map((command) => (typeof command === 'string' ? command : command.map(quote).join(' ')))
  return `#!/bin/sh\n${lines.map((line) => `${line}\n`).join('')}`
}

/** One word for sh(1), whatever is in it. */
const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`
