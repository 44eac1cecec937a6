// Keeps the publishing fields of every manifest: `node tools/release/manifests.ts --fix` writes them, without it says what is missing and exits 1.
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { publishedPackages, root } from './published-packages.ts'
import { withPublishingFields } from './publishing-fields.ts'

const fix = process.argv.includes('--fix')
let stale = 0
for (const { directory, manifest } of publishedPackages()) {
  const wanted = withPublishingFields(manifest)
  if (JSON.stringify(wanted) === JSON.stringify(manifest)) continue
  stale += 1
  const path = join(directory, 'package.json')
  if (fix) writeFileSync(path, `${JSON.stringify(wanted, null, 2)}\n`)
  else console.error(`${relative(root, path)}: publishing fields are not current: node tools/release/manifests.ts --fix`)
}
if (stale > 0 && !fix) process.exitCode = 1
