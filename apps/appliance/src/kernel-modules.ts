import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { hideSections, parseElf } from './elf.ts'
import { runHostTool } from './host-tool.ts'

/** One loadable module: decompressed, without its signature. */
export interface KernelModule {
  /** Relative to `/lib/modules/VERSION`: `kernel/fs/xfs/xfs.ko`. */
  readonly path: string
  readonly content: Uint8Array
  readonly depends: readonly string[]
  readonly aliases: readonly string[]
}

const signatureMarker = Buffer.from('~Module signature appended~\n')

/**
 * Cuts the signature off. Debian's kernel does not insist on one, and verifying it costs the guest time for each module.
 * The layout is `struct module_signature` in the kernel's include/linux/module_signature.h: the length is its last field, big-endian.
 */
export function stripSignature(content: Uint8Array): Uint8Array {
  const markerStart = content.length - signatureMarker.length
  if (markerStart < 12 || Buffer.compare(content.subarray(markerStart), signatureMarker) !== 0) return content
  const length = new DataView(content.buffer, content.byteOffset + markerStart - 4, 4).getUint32(0)
  return content.subarray(0, markerStart - 12 - length)
}

/**
 * Type information for BPF, and the places and names for tracing: the kernel registers them when a module is loaded, which takes an emulated CPU
 * most of the loading time. Nothing here traces.
 */
const tracingSections = ['.BTF', '.BTF.base', '__mcount_loc', '_ftrace_events', '_ftrace_eval_map']

/** Modules are named with `-` and `_` alike. */
const canonicalName = (name: string): string => name.replaceAll('-', '_')

/** `key=value` strings of a module's `.modinfo`. */
export function parseModinfo(section: Uint8Array): { depends: string[]; aliases: string[] } {
  const entries = Buffer.from(section).toString('latin1').split('\0')
  const values = (key: string): string[] =>
    entries.filter((entry) => entry.startsWith(`${key}=`)).map((entry) => entry.slice(key.length + 1))
  return {
    depends: values('depends').flatMap((list) =>
      list
        .split(',')
        .filter((name) => name !== '')
        .map(canonicalName),
    ),
    aliases: values('alias'),
  }
}

/**
 * Reads the modules that match `wanted` and everything they depend on, sorted by path. `directory` is `.../lib/modules/VERSION` of an
 * extracted kernel package; compressed modules in it are replaced by decompressed ones. A pattern is a path below `kernel/` without
 * suffix, where a last segment `*` means the whole directory. Throws `Error` for a pattern that matches nothing.
 */
export async function readKernelModules(directory: string, wanted: readonly string[]): Promise<KernelModule[]> {
  const files = (await readdir(directory, { recursive: true })).filter((file) => /\.ko(\.xz)?$/.test(file)).sort()
  const fileByName = new Map(files.map((file) => [canonicalName(basename(file).replace(/\.ko(\.xz)?$/, '')), file]))

  const selected = wanted.flatMap((pattern) => {
    const path = `kernel/${pattern}`
    const matching = path.endsWith('/*')
      ? files.filter((file) => file.startsWith(path.slice(0, -1)))
      : files.filter((file) => file.replace(/\.ko(\.xz)?$/, '') === path)
    if (matching.length === 0) throw new Error(`the kernel package has no module ${pattern}`)
    return matching
  })

  const found = new Map<string, KernelModule>()
  let wave = [...new Set(selected)]
  while (wave.length > 0) {
    const compressed = wave.filter((file) => file.endsWith('.xz')).map((file) => join(directory, file))
    if (compressed.length > 0) await runHostTool(['xz', '--decompress', ...compressed])
    const modules = await Promise.all(
      wave.map(async (file): Promise<KernelModule> => {
        const path = file.replace(/\.xz$/, '')
        const content = hideSections(stripSignature(await readFile(join(directory, path))), tracingSections)
        const modinfo = parseElf(content)?.section('.modinfo')
        if (modinfo === undefined) throw new Error(`${path} is not a kernel module`)
        return { path, content, ...parseModinfo(modinfo) }
      }),
    )
    for (const module of modules) found.set(moduleName(module), module)
    const next = new Set(modules.flatMap(({ depends }) => depends).filter((name) => !found.has(name)))
    wave = [...next].map((name) => {
      const file = fileByName.get(name)
      if (file === undefined) throw new Error(`the kernel package has no module ${name}`)
      return file
    })
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** As the kernel calls it. */
export function moduleName(module: KernelModule): string {
  return canonicalName(basename(relative('kernel', module.path)).replace(/\.ko$/, ''))
}

/**
 * The index files modprobe looks into; see modules.dep(5). In `modules.dep` a module stands left of what it needs, at any distance:
 * the order to load is from right to left.
 */
export function renderModuleIndex(modules: readonly KernelModule[]): { dep: string; alias: string } {
  const byName = new Map(modules.map((module) => [moduleName(module), module]))
  const order = (module: KernelModule, done: Set<string>): KernelModule[] => {
    const direct = module.depends.flatMap((name) => {
      const dependency = byName.get(name)
      if (dependency === undefined || done.has(name)) return []
      done.add(name)
      return [...order(dependency, done), dependency]
    })
    return direct
  }
  const dep = modules.map((module) => {
    const needed = order(module, new Set()).reverse()
    return `${[`${module.path}:`, ...needed.map(({ path }) => path)].join(' ')}\n`
  })
  const alias = modules.flatMap((module) => module.aliases.map((name) => `alias ${name} ${moduleName(module)}\n`))
  return { dep: dep.join(''), alias: alias.join('') }
}
