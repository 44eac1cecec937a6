import type { Manifest } from './published-packages.ts'

const SOURCE_CONDITION = '@host-deployer/source'

/**
 * Pure. The manifest with the fields that a release needs, as they follow from the rest: what is packed (`files`), and what is different in the packed
 * manifest (`publishConfig`): `exports` without the sources, which are not packed; public; with provenance.
 */
export function withPublishingFields(manifest: Manifest): Manifest {
  const exports = Object.entries(manifest.exports ?? {}).map(([entry, target]) => {
    if (typeof target === 'string') return [entry, target]
    return [entry, Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== SOURCE_CONDITION))]
  })
  // Sources of tests never; a changelog is there from the first release on.
  const files = [...new Set(['dist', ...(manifest.files ?? []), 'CHANGELOG.md'])]
  const publishConfig = { access: 'public', provenance: true, exports: Object.fromEntries(exports) }
  return { ...manifest, files, publishConfig }
}
