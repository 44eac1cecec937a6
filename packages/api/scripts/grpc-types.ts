import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** As `loadDeployProto` reads the messages; what a client may leave out is in `…Input`. */
const options = ['--keepCase', '--longs=Number', '--defaults', '--arrays', '--includeComments', '--grpcLib=@grpc/grpc-js']

/** The types of proto/deploy.proto as one module. The generator makes a file for each message, which import each other under other names. */
export function grpcTypes(): string {
  const packageDirectory = join(import.meta.dirname, '..')
  const loader = createRequire(import.meta.url).resolve('@grpc/proto-loader/package.json')
  const generator = join(dirname(loader), 'build', 'bin', 'proto-loader-gen-types.js')
  const out = mkdtempSync(join(tmpdir(), 'grpc-types-'))
  try {
    const names = ['--inputTemplate=%sInput', '--outputTemplate=%s']
    execFileSync(process.execPath, [generator, ...options, ...names, '-O', out, 'proto/deploy.proto'], { cwd: packageDirectory })
    const messages = join(out, 'apis')
    const bodies = readdirSync(messages)
      .toSorted()
      .map((file) => body(readFileSync(join(messages, file), 'utf8')))
    return [
      '// Made of proto/deploy.proto by scripts/generate-grpc-types.ts. Do not edit.',
      "import type * as grpc from '@grpc/grpc-js'",
      "import type { MethodDefinition } from '@grpc/proto-loader'",
      '',
      bodies.join('\n\n'),
      '',
    ].join('\n')
  } finally {
    rmSync(out, { recursive: true })
  }
}

const body = (text: string) =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('import type ') && !line.startsWith('// Original file'))
    .join('\n')
    .replace(/\b_apis_(\w+)/g, '$1')
    .trim()
