// What a guest writes is hostile: it is bounded, and control characters never reach a terminal.

const MAX_LINES = 200
const MAX_LINE_CHARACTERS = 500

/** The last lines of a console. */
export interface ConsoleTail {
  /** Takes what the guest wrote. */
  push(chunk: Uint8Array): void
  /** The last `count` lines (default: all that are kept, 200), the unfinished one included, without control characters. */
  lines(count?: number): string[]
  /** Resolves once a line that is kept matches. Never rejects. */
  waitFor(pattern: RegExp): Promise<void>
  /** Bytes seen so far. */
  readonly sizeBytes: number
}

// Colours and cursor movements (ECMA-48), then whatever other control characters there are.
const printable = (line: string): string =>
  line.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')

/** An empty {@link ConsoleTail}. */
export function createConsoleTail(): ConsoleTail {
  const finished: string[] = []
  let current = ''
  let sizeBytes = 0
  const watchers = new Set<() => void>()
  return {
    push(chunk) {
      sizeBytes += chunk.length
      const parts = Buffer.from(chunk).toString('latin1').split('\n')
      for (const [index, part] of parts.entries()) {
        if (index > 0) {
          finished.push(current)
          current = ''
        }
        current = (current + part).slice(0, MAX_LINE_CHARACTERS)
      }
      finished.splice(0, Math.max(0, finished.length - MAX_LINES))
      for (const look of watchers) look()
    },
    waitFor: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (![...finished, current].some((line) => pattern.test(line))) return
          watchers.delete(look)
          resolve()
        }
        watchers.add(look)
        look()
      }),
    lines: (count = MAX_LINES) => [...finished, ...(current === '' ? [] : [current])].slice(-count).map(printable),
    get sizeBytes() {
      return sizeBytes
    },
  }
}
