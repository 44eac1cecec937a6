import { expect, test } from 'vitest'
import { withPublishingFields } from './publishing-fields.ts'

test('sources are exported in the workspace and not in the package', () => {
  const exports = {
    '.': { '@host-deployer/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
    './schemas/*.json': './schemas/*.json',
  }
  const { publishConfig, files, exports: kept } = withPublishingFields({ name: 'x', version: '1.0.0', files: ['dist', 'schemas'], exports })
  expect(kept).toEqual(exports)
  expect(files).toEqual(['dist', 'schemas', 'CHANGELOG.md'])
  expect(publishConfig).toEqual({
    access: 'public',
    provenance: true,
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './schemas/*.json': './schemas/*.json' },
  })
})

test('a manifest that has them stays as it is', () => {
  const once = withPublishingFields({ name: 'x', version: '1.0.0', files: ['dist'], exports: { '.': { default: './dist/x.js' } } })
  expect(withPublishingFields(once)).toEqual(once)
})
