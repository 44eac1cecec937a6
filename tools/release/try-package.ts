import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tarballs } from './pack-packages.ts'
import { type Manifest, type PublishedPackage, root } from './published-packages.ts'
import { type ReadmeExample, readmeExamples } from './readme-examples.ts'
import { runProgram } from './run-program.ts'
import { installScratchProject } from './scratch-project.ts'

// As strict as it gets, libraries' declarations included: theirs are what is tried.
const compilerOptions = {
  target: 'es2024',
  lib: ['es2024', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  allowJs: true,
  checkJs: true,
  skipLibCheck: false,
  noEmit: true,
}

/**
 * Installs one package, and no other, in a project of its own, and does there what its users do: imports it, type-checks, calls its commands. Then runs its
 * README's examples, with the packages of ours that they import. Gives what is wrong, one line or more each.
 */
export async function tryPackage({ manifest: { name } }: PublishedPackage, tarballs: Tarballs, directory: string): Promise<string[]> {
  const sources = join(directory, 'src')
  mkdirSync(sources, { recursive: true })
  try {
    await install([name], tarballs, directory)
    const installed = join(directory, 'node_modules', name)
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest
    const problems = [
      ...(await tryEntryPoints(entryPoints(manifest, readdirSync(installed, { recursive: true, encoding: 'utf8' })), directory)),
      ...(await tryCommands(manifest, directory)),
    ]
    const readme = join(installed, 'README.md')
    const examples = existsSync(readme) ? readmeExamples(readFileSync(readme, 'utf8')) : []
    if (examples.length === 0) return [...problems, 'has no README with an example']
    const imported = [...tarballs.keys()].filter((other) => other !== name && examples.some(({ code }) => code.includes(`'${other}'`)))
    if (imported.length > 0) await install([name, ...imported], tarballs, directory)
    return [...problems, ...(await tryExamples(examples, directory))]
  } catch (error) {
    return [String(error)]
  }
}

function install(names: readonly string[], tarballs: Tarballs, directory: string): Promise<void> {
  const nodeTypes = /"@types\/node": ([\d.]+)/.exec(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'))?.[1] ?? '*'
  const ours = Object.fromEntries(names.map((name) => [name, `file:${tarballs.get(name)}`]))
  return installScratchProject(directory, tarballs, { dependencies: { ...ours, '@types/node': nodeTypes } })
}

/** What `import` can be given: modules, no data, and no command's own module, which runs when it is imported. */
function entryPoints({ name, bin = {}, exports = {} }: Manifest, files: readonly string[]): string[] {
  return Object.entries(exports).flatMap(([entry, target]) => {
    const module = typeof target === 'string' ? target : (target['default'] ?? '')
    const isModule = module.endsWith('.js') && files.includes(module.slice('./'.length)) && !Object.values(bin).includes(module)
    return isModule ? [join(name, entry)] : []
  })
}

async function tryEntryPoints(entries: readonly string[], directory: string): Promise<string[]> {
  if (entries.length === 0) return ['exports nothing']
  const files = entries.map((_, index) => join('src', `entry-${index}.ts`))
  for (const [index, entry] of entries.entries()) {
    const text = `import * as entry from ${JSON.stringify(entry)}\nif (Object.keys(entry).length === 0) throw new Error('exports nothing')\n`
    writeFileSync(join(directory, files[index] ?? ''), text)
  }
  const problems = await typeCheck(files, directory)
  for (const file of files) problems.push(...(await runFile(file, directory)))
  return problems
}

async function tryCommands({ bin = {} }: Manifest, directory: string): Promise<string[]> {
  const problems: string[] = []
  for (const command of Object.keys(bin)) {
    const { exitCode, all } = await runProgram([join(directory, 'node_modules', '.bin', command), '--help'], directory)
    if (exitCode !== 0) problems.push(`${command} --help fails\n${all}`)
  }
  return problems
}

async function tryExamples(examples: readonly ReadmeExample[], directory: string): Promise<string[]> {
  const files = examples.map(({ language }, index) => join('src', `example-${index + 1}.${language}`))
  for (const [index, { code }] of examples.entries()) writeFileSync(join(directory, files[index] ?? ''), code)
  const problems = await typeCheck(files, directory)
  for (const [index, { notRun, output }] of examples.entries()) {
    if (notRun === undefined) problems.push(...(await runFile(files[index] ?? '', directory, output)))
  }
  return problems
}

async function typeCheck(files: readonly string[], directory: string): Promise<string[]> {
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const { exitCode, stdout } = await runProgram([join(root, 'node_modules', '.bin', 'tsc'), '-p', 'tsconfig.json'], directory)
  return exitCode === 0 ? [] : [stdout]
}

async function runFile(file: string, directory: string, output?: string): Promise<string[]> {
  const { exitCode, stdout, all } = await runProgram([process.execPath, file], directory)
  if (exitCode !== 0) return [`${file} fails\n${all}`]
  return output === undefined || output === stdout ? [] : [`${file} prints something else:\n${stdout}`]
}
