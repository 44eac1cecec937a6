import { readFile } from 'node:fs/promises'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { filterProblems } from '@arethetypeswrong/core/problems'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

/**
 * What publint and "are the types wrong" have to say about a packed package, one line each. Only what matters to importers of ESM in Node and in bundlers
 * counts: our packages are ESM alone, on purpose.
 */
export async function lintTarball(path: string): Promise<string[]> {
  const bytes = await readFile(path)
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) } })
  const lint = messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
  const analysis = await checkPackage(createPackageFromTarballData(bytes))
  if (!analysis.types) return [...lint, 'types: there are none']
  const problems = (['node16-esm', 'bundler'] as const).flatMap((resolutionKind) => filterProblems(analysis, { resolutionKind }))
  return [...lint, ...[...new Set(problems)].map((problem) => `types: ${JSON.stringify(problem)}`)]
}
