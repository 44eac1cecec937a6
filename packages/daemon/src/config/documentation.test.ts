import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fieldKeys } from './field-keys.ts'
import { settingNames, settings } from './settings.ts'

const page = readFile(join(import.meta.dirname, '../../../../docs/configuration.md'), 'utf8')

test('every setting has a row, with a star when it needs a restart', async () => {
  const rows = [...(await page).matchAll(/^\| `(\w+)`( \*)? \|/gm)].map(([, name, star]) => [name, star === ' *'])
  expect(rows).toEqual(settingNames.map((name) => [name, settings[name].takesEffect === 'restart']))
})

test('every key of host.conf that is ours is named', async () => {
  const text = await page
  expect(Object.keys(fieldKeys).filter((name) => !text.includes(`\`${name}\``))).toEqual([])
})
