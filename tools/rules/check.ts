// The repository rules that no linter knows: arrows between packages, who may touch the outside world, file names and sizes.
// Prints one line per violation and exits 1, or prints the count of files read.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { parseSync } from 'oxc-parser'
import { anyDriver, arrows, mayStartProcesses, pure, ships } from './arrows.ts'

const root = join(import.meta.dirname, '..', '..')
const violations: string[] = []
let filesRead = 0

const outsideWorld = new Set(['node:fs', 'node:fs/promises', 'node:child_process', 'node:os', 'node:process', 'execa'])
const processStarters = new Set(['node:child_process', 'execa'])
const vagueNames = /^(utils?|helpers?|common|manager|misc|shared)(\.|$)/
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+(-[a-z]+)*)*\.ts$/
const hardLimitLines = 400

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/node_modules/') && !path.includes('/dist/') && !path.includes('.generated.'))
}

function specifiers(path: string, text: string): string[] {
  const { module } = parseSync(path, text)
  const dynamic = module.dynamicImports.map(({ moduleRequest }) =>
    text.slice(moduleRequest.start, moduleRequest.end).replace(/^['"`]|['"`]$/g, ''),
  )
  const reexports = module.staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? []))
  return [...module.staticImports.map(({ moduleRequest }) => moduleRequest.value), ...reexports, ...dynamic]
}

function checkPackage(name: string, directory: string): void {
  // A driver that nobody listed may do what drivers may: `pnpm new driver` makes one.
  const isDriver = arrows[name] === undefined && name.startsWith('driver-')
  const allowed = isDriver ? anyDriver : arrows[name]
  if (allowed === undefined) {
    violations.push(`${relative(root, directory)}: not in tools/rules/arrows.ts; say what it may import`)
    return
  }
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { dependencies?: Record<string, string> }
  const declared = new Set(Object.keys(manifest.dependencies ?? {}))
  for (const dependency of declared) {
    const ours = /^@host-deployer\/(.+)$/.exec(dependency)?.[1]
    if (ours !== undefined && !allowed.includes(ours) && !ships[name]?.includes(ours))
      violations.push(`${name}/package.json: may not depend on ${ours}`)
  }
  for (const path of sourceFiles(join(directory, 'src'))) {
    const shown = relative(root, path)
    const text = readFileSync(path, 'utf8')
    filesRead += 1
    const isTest = /\.test(-support)?\.ts$/.test(path) || shown.includes('/testing/')
    if (!kebabCase.test(basename(path))) violations.push(`${shown}: file names are kebab-case`)
    if (vagueNames.test(basename(path))) violations.push(`${shown}: name the file after what it does`)
    if (!isTest && text.split('\n').length > hardLimitLines)
      violations.push(`${shown}: longer than ${hardLimitLines} lines; find the seam in it`)
    if (isTest) continue
    if (pure.has(name) && /\bprocess\.env\b/.test(text)) violations.push(`${shown}: reads the environment; take it as an argument`)
    for (const specifier of specifiers(path, text)) {
      const ours = /^@host-deployer\/([^/]+)/.exec(specifier)?.[1]
      if (ours !== undefined && ours !== name && !allowed.includes(ours)) violations.push(`${shown}: ${name} may not import ${ours}`)
      // Telling addresses apart is all that a pure package may want of it.
      if (pure.has(name) && specifier === 'node:net' && !/import \{( (isIP|isIPv4|isIPv6),?)+ \} from 'node:net'/.test(text))
        violations.push(`${shown}: only isIP* of node:net`)
      if (pure.has(name) && outsideWorld.has(specifier)) violations.push(`${shown}: ${name} may not import ${specifier}`)
      if (processStarters.has(specifier) && !mayStartProcesses.has(name) && !isDriver)
        violations.push(`${shown}: ${name} may not start processes`)
    }
  }
}

for (const group of ['packages', 'apps']) {
  for (const entry of readdirSync(join(root, group), { withFileTypes: true })) {
    if (entry.isDirectory()) checkPackage(entry.name, join(root, group, entry.name))
  }
}

for (const violation of violations) console.error(violation)
console.log(violations.length === 0 ? `rules hold in ${filesRead} files` : `${violations.length} violations`)
process.exit(violations.length === 0 ? 0 : 1)
