/**
 * The lines a file we generate starts with, each after the comment prefix (`#`, `;`, `//`), newline included. Without a date: the same
 * request gives the same bytes.
 */
export function generatedHeader(commentPrefix: string): string {
  return `${commentPrefix} Written by host-deployer. A later deploy replaces this file.\n`
}
