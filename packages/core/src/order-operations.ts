import type { Operation } from './operation.ts'

/**
 * Operations in an order that respects `after`, otherwise as listed. Names in `after` that are not in the list are ignored: what was not asked for
 * need not run. Throws `TypeError` for a cycle or a name used twice: both are programming mistakes.
 */
export function orderOperations<T extends Pick<Operation, 'id' | 'after'>>(operations: readonly T[]): T[] {
  const byId = new Map(operations.map((operation) => [operation.id, operation]))
  if (byId.size !== operations.length) throw new TypeError('Two operations have the same id')
  const ordered: T[] = []
  const state = new Map<string, 'visiting' | 'done'>()
  const visit = (operation: T): void => {
    if (state.get(operation.id) === 'done') return
    if (state.get(operation.id) === 'visiting') throw new TypeError(`Operations wait for each other: ${operation.id}`)
    state.set(operation.id, 'visiting')
    for (const id of operation.after) {
      const before = byId.get(id)
      if (before !== undefined) visit(before)
    }
    state.set(operation.id, 'done')
    ordered.push(operation)
  }
  for (const operation of operations) visit(operation)
  return ordered
}
