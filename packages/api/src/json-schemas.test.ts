import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonSchema, jsonSchemaNames, jsonSchemaText } from './json-schemas.ts'

const directory = join(import.meta.dirname, '..', 'schemas')

test.each(jsonSchemaNames)('%s is current; if not: pnpm --filter @host-deployer/api generate', (name) => {
  expect(readFileSync(join(directory, `${name}.schema.json`), 'utf8')).toBe(jsonSchemaText(name))
})

test('there is no other', () => {
  expect(readdirSync(directory).toSorted()).toEqual(jsonSchemaNames.map((name) => `${name}.schema.json`).toSorted())
})

test('the request schema has the keys a user writes, and only those', () => {
  const schema = jsonSchema('deploy-request')
  expect(schema).toMatchObject({ type: 'object', additionalProperties: false })
  expect(Object.keys(schema['properties'] as object)).toEqual(expect.arrayContaining(['users', 'write_files', 'network', 'runcmd']))
})
