import { dirname } from 'node:path'
import { identifyImage } from './find-image.ts'

/** What tells an image apart: {@link identifyImage}. Its path, without looking, where the signal has fired before its turn, or nothing that is looked at answers. Never rejects. */
export type ImageLookup = (path: string, signal: AbortSignal) => Promise<string>

// Node.js has four threads for all the files of a process. Two are left for images elsewhere, and for starting workers.
const LOOKUPS_AT_ONCE = 2
const PATIENCE_MS = 1_000

/**
 * Looks at one image of a directory at a time, and at two in all. Storage that does not answer keeps the thread that asks it: so it keeps one for each directory, however many
 * ask, and two at most. While both have been kept for a second, nobody waits for them: an image goes by its path, and the lock that a job takes on it still tells when two
 * paths are one image.
 */
export function createImageLookup(): ImageLookup {
  const last = new Map<string, Promise<string>>()
  const waiting: ((hasPlace: boolean) => void)[] = []
  let taken = 0
  let slow = 0

  const takePlace = (): boolean | Promise<boolean> => {
    if (taken === LOOKUPS_AT_ONCE) return slow < LOOKUPS_AT_ONCE && new Promise((resolve) => waiting.push(resolve))
    taken += 1
    return true
  }
  const leavePlace = (): void => {
    const next = waiting.shift()
    if (next === undefined) taken -= 1
    else next(true)
  }
  const look = async (path: string): Promise<string> => {
    let isSlow = false
    const timer = setTimeout(() => {
      isSlow = true
      slow += 1
      if (slow === LOOKUPS_AT_ONCE) for (const goOn of waiting.splice(0)) goOn(false)
    }, PATIENCE_MS)
    const image = await identifyImage(path)
    clearTimeout(timer)
    if (isSlow) slow -= 1
    return image
  }
  const takeTurn = async (path: string, signal: AbortSignal): Promise<string> => {
    if (signal.aborted || !(await takePlace())) return `path:${path}`
    const image = signal.aborted ? `path:${path}` : await look(path)
    leavePlace()
    return image
  }

  return (path, signal) => {
    const directory = dirname(path)
    const before = last.get(directory) ?? Promise.resolve('')
    const turn = before.then(() => takeTurn(path, signal))
    last.set(directory, turn)
    void turn.then(() => {
      if (last.get(directory) === turn) last.delete(directory)
    })
    return turn
  }
}
