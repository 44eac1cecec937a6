import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { grpcTypes } from '../../scripts/grpc-types.ts'

test('the types are those of the proto file', () => {
  expect(readFileSync(join(import.meta.dirname, 'deploy.generated.ts'), 'utf8')).toBe(grpcTypes())
})
