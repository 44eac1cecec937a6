import { dirname } from 'node:path'
import { identifyImage } from './find-image.ts'

/** What tells an image apart: {@link identifyImage}. Without looking, where the signal has fired before its turn. Never rejects. */
export type ImageLookup = (path: string, signal: AbortSignal) => Promise<string>

/**
 * Looks at one image of a directory at a time. Storage that does not answer keeps the thread that asks it, of which Node.js has four for all the files of a process: so it
 * keeps one, however many ask, and images elsewhere are found.
 */
export function createImageLookup(): ImageLookup {
  const last = new Map<string, Promise<string>>()
  return (path, signal) => {
    const directory = dirname(path)
    const before = last.get(directory) ?? Promise.resolve('')
    const turn = before.then(() => (signal.aborted ? `path:${path}` : identifyImage(path)))
    last.set(directory, turn)
    void turn.then(() => {
      if (last.get(directory) === turn) last.delete(directory)
    })
    return turn
  }
}
