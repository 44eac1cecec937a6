import { tmpdir } from 'node:os'
import type { Manifest } from './published-packages.ts'
import { mustRun } from './run-program.ts'

export interface ExpectedTarball {
  readonly name: string
  readonly version: string
  readonly hasChangelog: boolean
}

/** Looks into a packed package: name and version, nothing of the workspace left in its manifest, public and with provenance, the files that belong in it. */
export async function checkTarball(path: string, expected: ExpectedTarball): Promise<string[]> {
  const files = (await mustRun(['tar', '--list', '--gzip', '--file', path], tmpdir())).trim().split('\n')
  const text = await mustRun(['tar', '--extract', '--gzip', '--to-stdout', '--file', path, 'package/package.json'], tmpdir())
  const { name, version, publishConfig } = JSON.parse(text) as Manifest
  const wanted = ['package/README.md', 'package/LICENSE', ...(expected.hasChangelog ? ['package/CHANGELOG.md'] : [])]
  return [
    ...(name === expected.name && version === expected.version ? [] : [`is ${name}@${version}`]),
    ...(/"(workspace|catalog):/.test(text) ? ['depends on the workspace'] : []),
    ...(publishConfig?.['access'] === 'public' && publishConfig['provenance'] === true ? [] : ['is not public with provenance']),
    ...wanted.filter((file) => !files.includes(file)).map((file) => `lacks ${file}`),
    ...files.filter((file) => /\.test\.|\/src\/|test-support/.test(file)).map((file) => `has ${file}`),
  ]
}
