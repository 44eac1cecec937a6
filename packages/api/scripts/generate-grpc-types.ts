// Writes src/grpc/deploy.generated.ts: the types of proto/deploy.proto, as proto-loader's generator makes them, in one file. With --check, fails when the
// file is not current.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { grpcTypes } from './grpc-types.ts'

const target = join(import.meta.dirname, '..', 'src', 'grpc', 'deploy.generated.ts')
const text = grpcTypes()
if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/grpc/deploy.generated.ts is not current: pnpm generate')
  process.exitCode = 1
}
