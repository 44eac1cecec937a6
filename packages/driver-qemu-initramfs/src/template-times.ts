import { readFile, stat, writeFile } from 'node:fs/promises'
import { currentBootId } from '@host-deployer/driver-kit'
import { prepareTemplates, type TemplatePlace } from './template-store.ts'

/** How a session's VM comes to life. */
export type StartKind = 'boot' | 'clone'

/** How long it took when it was last done here, from nothing to the end of the SSH login. */
export interface StartTime {
  readonly durationMs: number
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

const pathOf = ({ directory }: TemplatePlace, kind: StartKind): string => `${directory}.${kind}`

/** Remembers how long a start took, on this boot of the host. Best effort: nothing depends on it. */
export async function rememberStart(place: TemplatePlace, kind: StartKind, durationMs: number): Promise<void> {
  try {
    await prepareTemplates(place)
    await writeFile(pathOf(place, kind), JSON.stringify({ durationMs: Math.round(durationMs), bootId: await currentBootId() }), {
      mode: 0o600,
    })
  } catch {
    // A cache that cannot be written to.
  }
}

/** How long it took the last time; `undefined` when that was not measured on this boot of the host. */
export async function lastStart(place: TemplatePlace, kind: StartKind): Promise<StartTime | undefined> {
  try {
    const { durationMs } = JSON.parse(await readFile(pathOf(place, kind), 'utf8')) as { readonly durationMs?: unknown }
    const { mtimeMs } = await stat(pathOf(place, kind))
    return typeof durationMs === 'number' ? { durationMs, atMs: mtimeMs } : undefined
  } catch {
    return undefined
  }
}
