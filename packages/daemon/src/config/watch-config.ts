import { type FSWatcher, watch } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { type FileState, readFileState } from './file-state.ts'
import { watchedDirectories } from './watched-directories.ts'

export interface WatchOptions {
  readonly signal: AbortSignal
  /** An editor writes more than once, and kubelet swaps several links: a change is reported when two looks so far apart agree on it. Default 250. */
  readonly debounceMs?: number
  /** How often the files are looked at without any notice, for network file systems, which give none. Default 5000. */
  readonly pollMs?: number
}

/** Timers count whole milliseconds. */
const TIMER_SLACK_MS = 2

/**
 * Called with the paths of changed files. Returns the files to go on with, when there are others now. Must not reject. Not called again before it is
 * done; what changes meanwhile is noticed afterwards.
 */
export type OnConfigChange = (changed: readonly string[]) => Promise<readonly FileState[] | undefined> | undefined

/**
 * Notices that a file was edited, replaced by a rename, made, removed, or that a symlink on the way to it was swapped, until the signal aborts. `files`
 * are those of `readConfig`: what changed since they were read is noticed, too.
 *
 * Directories are watched with `node:fs`: a file's own inode is not the file any more after a rename. (chokidar sees the swap of a ConfigMap as well, but
 * not a file in a directory that did not exist when it started.)
 */
export function watchConfig(files: readonly FileState[], onChange: OnConfigChange, options: WatchOptions): void {
  const { signal, debounceMs = 250, pollMs = 5_000 } = options
  if (signal.aborted) return
  const watchers = new Map<string, FSWatcher>()
  let known = files
  /** What differed at an earlier look, and since when. Only what two looks agree on is reported: an editor empties a file before it writes. */
  let settling: { readonly files: readonly FileState[]; readonly sinceMs: number } | undefined
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let again = false

  const lookSoon = () => {
    clearTimeout(timer)
    if (signal.aborted) return
    timer = setTimeout(() => void look(), debounceMs)
    timer.unref()
  }
  const look = async () => {
    if (looking) {
      again = true
      return
    }
    looking = true
    try {
      // What was made between looking for a directory and watching it gave no notice.
      if (await arm()) again = true
      const now = await Promise.all(known.map(({ path }) => readFileState(path)))
      const changed = now.filter(({ state }, index) => state !== known[index]?.state).map(({ path }) => path)
      const agree = settling !== undefined && isDeepStrictEqual(now, settling.files)
      const nowMs = performance.now()
      const sinceMs = agree && settling !== undefined ? settling.sinceMs : nowMs
      // A poll may come a moment after another look.
      const settled = agree && nowMs - sinceMs >= Math.min(debounceMs, pollMs) - TIMER_SLACK_MS
      settling = changed.length === 0 || settled ? undefined : { files: now, sinceMs }
      again ||= settling !== undefined
      if (changed.length > 0 && settled && !signal.aborted) {
        known = now
        known = (await onChange(changed)) ?? known
        // There may be other files now, and they may have changed already.
        again = true
      }
    } finally {
      looking = false
      if (again) lookSoon()
      again = false
    }
  }
  /** Before each look, so that nothing can happen unseen between the two. Resolves with whether something is watched that was not. */
  const arm = async (): Promise<boolean> => {
    const wanted = new Set<string>()
    for (const { path } of known) for (const directory of await watchedDirectories(path)) wanted.add(await keyOf(directory))
    for (const [key, watcher] of watchers) {
      if (wanted.has(key)) continue
      watchers.delete(key)
      watcher.close()
    }
    let isMore = false
    for (const key of wanted) {
      if (watchers.has(key) || signal.aborted) continue
      const watcher = tryWatch(key.slice(key.indexOf('/')), lookSoon)
      if (watcher === undefined) continue
      watchers.set(key, watcher)
      isMore = true
    }
    return isMore
  }

  const poll = setInterval(() => void look(), pollMs)
  poll.unref()
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(poll)
      clearTimeout(timer)
      for (const watcher of watchers.values()) watcher.close()
      watchers.clear()
    },
    { once: true },
  )
  void look()
}

/** A directory that was removed and made again is another one, and needs another watch. */
async function keyOf(directory: string): Promise<string> {
  const { state } = await readFileState(directory)
  return `${state.split(':').slice(0, 2).join(':')}${directory}`
}

/** Without a watch, as when the kernel's limit of them is reached, the poll still finds out. */
function tryWatch(directory: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, onEvent)
    watcher.on('error', onEvent)
    return watcher
  } catch {
    return undefined
  }
}
