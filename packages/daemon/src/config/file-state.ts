import { stat } from 'node:fs/promises'

/** A file of the configuration as it was when somebody looked. */
export interface FileState {
  readonly path: string
  /** Changes with the file: which one it is (symlinks followed), its size, its time. `absent` when there is none. */
  readonly state: string
}

/** Looks at a file. Says nothing about its contents, which hold passwords: not even a digest. Never rejects. */
export async function readFileState(path: string): Promise<FileState> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true })
    return { path, state: `${dev}:${ino}:${size}:${mtimeNs}` }
  } catch {
    return { path, state: 'absent' }
  }
}
