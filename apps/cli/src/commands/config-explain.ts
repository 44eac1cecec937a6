import { parseServeArguments, type ReadConfigResult, readConfig, sourceText } from '@host-deployer/daemon'
import { showConfig } from '../show-config.ts'

/** `words`: those after the verb but `--json`, as `serve` takes them. Nothing is started or changed. */
export async function configExplainCommand(words: readonly string[], { json }: { readonly json?: boolean }): Promise<void> {
  const result = await readConfig({ given: parseServeArguments(words, 'serve'), env: process.env })
  process.stdout.write(json ? `${JSON.stringify(explainDocument(result), null, 2)}\n` : showConfig(result))
}

function explainDocument({ explained, diagnostics, ignored, files }: ReadConfigResult) {
  return {
    schemaVersion: 1,
    values: explained.map(({ key, value, source, overrode }) => ({
      key,
      value,
      source: { ...source, text: sourceText(source) },
      overrode: overrode.map((other) => ({ value: other.value, source: { ...other.source, text: sourceText(other.source) } })),
    })),
    files: files.map(({ path, state }) => ({ path, exists: state !== 'absent' })),
    ignored,
    diagnostics,
  }
}
