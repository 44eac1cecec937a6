import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCatalogue } from '@host-deployer/api'
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

test.each(['operate', 'troubleshoot', 'security'])('docs/%s.md speaks of codes that exist', async (name) => {
  const page = await readFile(join(import.meta.dirname, `../../../../docs/${name}.md`), 'utf8')
  const families = new Set(Object.keys(errorCatalogue).map((code) => code.split('_', 1)[0]))
  const named = [...page.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g)].map(([, code]) => code ?? '')
  const codes = named.filter((code) => families.has(code.split('_', 1)[0]) && !code.startsWith('HOST_DEPLOYER_'))
  expect(codes.length).toBeGreaterThan(2)
  expect(codes.filter((code) => !Object.hasOwn(errorCatalogue, code))).toEqual([])
})
