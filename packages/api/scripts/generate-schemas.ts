// Writes schemas/*.schema.json from the zod schemas: pnpm --filter @host-deployer/api generate
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonSchemaNames, jsonSchemaText } from '../src/json-schemas.ts'

for (const name of jsonSchemaNames) {
  writeFileSync(join(import.meta.dirname, '..', 'schemas', `${name}.schema.json`), jsonSchemaText(name))
}
