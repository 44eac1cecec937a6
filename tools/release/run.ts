// `./dev release --dry-run`: builds every package and packs it as it would be published, into dist/packages.
// Publishing itself is not wired up yet, so anything but --dry-run is refused.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
if (!process.argv.includes('--dry-run')) {
  console.error('release: only --dry-run is there so far: ./dev release --dry-run')
  process.exit(2)
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
}

const out = join(root, 'dist', 'packages')
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
run('pnpm', ['--silent', 'run', 'build'], root)
for (const group of ['packages', 'apps']) {
  for (const { name } of readdirSync(join(root, group), { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const directory = join(root, group, name)
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { readonly private?: boolean }
    if (!manifest.private) run('pnpm', ['pack', '--pack-destination', out], directory)
  }
}
console.log(`${readdirSync(out).length} packages in ${out}`)
