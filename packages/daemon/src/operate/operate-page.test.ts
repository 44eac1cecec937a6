import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createMetrics } from './create-metrics.ts'
import { scriptedWork } from './testing/scripted-work.ts'

test('docs/operate.md lists every metric as it is', async () => {
  const metrics = createMetrics({ work: scriptedWork(), version: '1.2.3', driver: () => 'd', probe: () => null })
  const rows = metrics.describe().map(({ name, type, labels, help }) => {
    const shown = labels.map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${shown} | ${help.replaceAll('|', '\\|')} |`
  })
  const page = await readFile(join(import.meta.dirname, '../../../../docs/operate.md'), 'utf8')
  const [, table] = /<!-- metrics: [^\n]* -->\n(.*?)<!-- end of metrics -->/s.exec(page) ?? []
  expect(table).toBe(['| metric | type | labels | |', '|---|---|---|---|', ...rows, ''].join('\n'))
})
