import * as z from 'zod'

/** The keys of one kind of map. */
export interface Vocabulary {
  readonly supported: readonly string[]
  /** Known to cloud-init, not yet to us. */
  readonly unsupported: readonly string[]
}

/**
 * A map with these keys and no others. An issue about others carries the vocabulary as its message, the one place zod has for it;
 * `check-document.ts` makes the message for people.
 */
export function keyed<Shape extends z.ZodRawShape>(shape: Shape, unsupported: readonly string[] = []) {
  const vocabulary: Vocabulary = { supported: Object.keys(shape), unsupported }
  const message = JSON.stringify(vocabulary)
  return z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? message : undefined) })
}

export const vocabularyOf = (message: string): Vocabulary => JSON.parse(message) as Vocabulary
