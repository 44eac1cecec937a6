import type { CatalogueEntry } from '../../packages/api/src/error-catalogue.ts'
import { catalogueSections } from '../../packages/api/src/error-catalogue.ts'
import { exitCodeOfCode } from '../../packages/api/src/exit-code.ts'

const intro = `# Errors and findings

<!-- Made by tools/errors/generate.ts from packages/api/src/catalogue. Do not edit. -->

Every error has a stable code, a message, a hint and, where one is known, the phase it happened in; with \`--json\` they are
\`{"error": {"code", "message", "hint", "phase"}}\` on standard output. Codes stay the same within a major version, messages do not.
A finding has a code too; it stands among the \`diagnostics\` of a report and does not fail the command.
The daemon's \`ResizeFs\`, whose answer has no room for findings, fails with that of the family \`GROW\` when nothing could be enlarged.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | a fault of host-deployer |
| 2 | bad input or usage |
| 3 | image refused or locked |
| 4 | no driver works here |
| 5 | no supported guest found |
| 6 | an operation failed |
| 7 | timed out or cancelled |
`

const entryText = (code: string, { summary, remedy, finding }: CatalogueEntry) =>
  `### ${code}\n\n${finding ? 'A finding. ' : ''}${summary}\n\n**What to do:** ${remedy}${finding ? '' : `\n\nExit code ${exitCodeOfCode(code)}.`}\n`

/** The text of docs/errors.md. */
export function errorsPage(): string {
  const sections = catalogueSections.map(({ title, entries }) => {
    const texts = Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return [`## ${title}\n`, ...texts.map(([code, entry]) => entryText(code, entry))].join('\n')
  })
  return [intro, ...sections].join('\n')
}
