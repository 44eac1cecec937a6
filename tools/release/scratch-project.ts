import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tarballs } from './pack-packages.ts'
import { mustRun } from './run-program.ts'

export interface ScratchProject {
  /** Has a manifest already, whose dependencies are installed. Otherwise one is made. */
  readonly manifest?: true
  readonly dependencies?: Readonly<Record<string, string>>
}

/**
 * Makes a project outside of the workspace and installs its dependencies: ours from the tarballs, wherever they are asked for, others as anybody gets
 * them (from pnpm's store when they are there).
 */
export async function installScratchProject(directory: string, tarballs: Tarballs, project: ScratchProject): Promise<void> {
  mkdirSync(directory, { recursive: true })
  if (project.manifest !== true) {
    const manifest = { name: 'scratch', private: true, type: 'module', dependencies: project.dependencies }
    writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
  }
  const overrides = [...tarballs].map(([name, path]) => `  ${JSON.stringify(name)}: ${JSON.stringify(`file:${path}`)}\n`)
  // A workspace of its own, so that no other one above it counts.
  const settings = `packages: []\noverrides:\n${overrides.join('')}allowBuilds:\n  esbuild: false\n  ssh2: false\n  cpu-features: false\n  protobufjs: false\n`
  writeFileSync(join(directory, 'pnpm-workspace.yaml'), settings)
  await mustRun(['pnpm', 'install', '--prefer-offline', '--no-frozen-lockfile'], directory)
}
