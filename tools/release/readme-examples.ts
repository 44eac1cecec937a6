export interface ReadmeExample {
  readonly language: 'ts' | 'js'
  readonly code: string
  /** Why it is not run, only type-checked. */
  readonly notRun?: string
  /** What it prints, where the README says so in a `text` block right behind. */
  readonly output?: string
}

/**
 * Pure. The examples of a README: its fenced blocks of `ts` and `js`, each a whole module. The line `<!-- not run: REASON -->` before a block keeps it from
 * being run.
 */
export function readmeExamples(markdown: string): ReadmeExample[] {
  const blocks =
    /(?:<!-- not run: (?<notRun>[^\n]*) -->\n+)?^```(?<language>ts|js)\n(?<code>.*?)^```$(?:\n+^```text\n(?<output>.*?)^```$)?/gms
  return [...markdown.matchAll(blocks)].map(({ groups = {} }) => ({
    language: groups['language'] === 'js' ? 'js' : 'ts',
    code: groups['code'] ?? '',
    ...(groups['notRun'] === undefined ? {} : { notRun: groups['notRun'] }),
    ...(groups['output'] === undefined ? {} : { output: groups['output'] }),
  }))
}
