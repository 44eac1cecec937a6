/** Conditions of an import, see "Conditional exports" in Node's documentation of packages. `types` and the like never match. */
const importConditions: ReadonlySet<string> = new Set(['import', 'node', 'module-sync', 'node-addons', 'default'])

/**
 * Pure. Where `import` of a package leads by its manifest: the target of `exports` for the package itself, relative to its directory. `undefined`
 * when there is no `exports`, so that the older fields count. `conditions` are those beside the usual ones.
 *
 * `require.resolve` does not do: it never takes the condition `import`, which many packages have alone.
 */
export function importTarget(
  manifest: Readonly<Record<string, unknown>>,
  conditions: readonly string[] = conditionsOf(process.execArgv),
): string | undefined {
  const { exports } = manifest
  if (exports === undefined || exports === null) return undefined
  const root = typeof exports === 'object' && '.' in exports ? exports['.'] : exports
  const target = select(root, new Set([...importConditions, ...conditions]))
  if (target === undefined) throw new TypeError('The package does not export itself')
  return target
}

function select(target: unknown, conditions: ReadonlySet<string>): string | undefined {
  if (typeof target === 'string') return target
  if (Array.isArray(target)) return target.map((entry) => select(entry, conditions)).find((found) => found !== undefined)
  if (typeof target !== 'object' || target === null) return undefined
  for (const [condition, value] of Object.entries(target)) {
    const found = conditions.has(condition) ? select(value, conditions) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** The conditions that Node was started with: `--conditions=x`, `-C x`. */
function conditionsOf(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((word, index) => {
    if (word.startsWith('--conditions=')) return [word.slice('--conditions='.length)]
    const next = execArgv[index + 1]
    return (word === '--conditions' || word === '-C') && next !== undefined ? [next] : []
  })
}
