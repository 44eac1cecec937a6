import { FsError, toolPath } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { WritableGuestFs } from './guest-fs.ts'
import { guestPath } from './guest-path.ts'
import { createMemoryRawFs } from './memory-raw-fs.ts'
import { applyToNaiveTree, type NaiveNode, type Step, toManifest } from './naive-tree.test-support.ts'
import { openGuestFs } from './open-guest-fs.ts'
import { stageGuestFs } from './stage-guest-fs.ts'
import { loadTree, type ManifestEntry, snapshotTree, type TreeManifest } from './tree-manifest.ts'

async function applyToStage(fs: WritableGuestFs, step: Step): Promise<void> {
  if (step.do === 'writeFile') return fs.writeFile(step.path, step.content, step)
  if (step.do === 'makeDirectories') return fs.makeDirectories(step.path, step)
  if (step.do === 'symlink') return fs.symlink(step.target, step.path)
  if (step.do === 'chmod') return fs.chmod(step.path, step.mode)
  if (step.do === 'chown') return fs.chown(step.path, step.uid, step.uid)
  if (step.do === 'setXattr') return fs.setXattr(step.path, 'user.x', new TextEncoder().encode(step.value))
  return fs[step.do](step.path)
}

const typeOf = (entry: ManifestEntry): string => ('content' in entry ? 'file' : 'link' in entry ? 'symlink' : 'directory')

const outcome = async (attempt: () => unknown): Promise<string> => {
  try {
    await attempt()
    return 'ok'
  } catch (error) {
    if (FsError.is(error)) return error.kind
    throw error
  }
}

const name = fc.constantFrom('a', 'a', 'b', 'b', 'c', '..')
const path = fc.array(name, { maxLength: 4 }).map((segments) => guestPath(`/${segments.join('/')}`))
const target = fc.constantFrom('a', 'b', '/a', '/b', '/b/c', '../a', '../../c', '.', '/', 'a/', '/c/', 'nope/x', 'nope/.', '../nope')
const mode = fc.constantFrom(0o644, 0o600, 0o755, 0o4755)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      {
        do: fc.constant('writeFile' as const),
        path,
        content: fc.constantFrom('', 'x', 'y'),
        mode,
        uid: fc.nat(2),
        replaceSymlink: fc.boolean(),
      },
      { requiredKeys: ['do', 'path', 'content', 'replaceSymlink'] },
    ),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('makeDirectories' as const), path, mode: fc.constantFrom(0o755, 0o700) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('symlink' as const), path, target }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'removeTree' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('chmod' as const), path, mode }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('chown' as const), path, uid: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('setXattr' as const), path, value: fc.constantFrom('1', '2') }) },
)

const newRoot = (): NaiveNode => ({ mode: 0o755, uid: 0, gid: 0, xattrs: {}, entries: {} })
const mount = toolPath('/mnt')

test('staging and committing any sequence of calls is the same as making them one by one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), fc.array(step, { minLength: 1, maxLength: 14 }), async (setup, steps) => {
      const model = newRoot()
      for (const each of setup) await outcome(() => applyToNaiveTree(model, new Map(), each))
      const base = toManifest(model)
      const raw = createMemoryRawFs({ mountPoints: [mount] })
      await loadTree(raw, mount, base)
      const before = await snapshotTree(raw, mount)
      expect(before).toEqual(base)

      const labels = new Map(
        Object.entries(base).map(([at, entry]) => [`${typeOf(entry)} ${at}`, { ...(entry.xattrs as Record<string, string>) }]),
      )
      const fs = stageGuestFs(openGuestFs({ fs: raw, root: mount }))
      for (const each of steps) {
        const expected = await outcome(() => applyToNaiveTree(model, labels, each))
        expect(await outcome(() => applyToStage(fs, each)), JSON.stringify(each)).toBe(expected)
      }
      const wanted = toManifest(model)
      const seen = await outcome(async () => {
        for (const [at, entry] of Object.entries(wanted)) {
          if ('content' in entry) expect(await fs.readText(guestPath(at))).toBe(entry.content)
          if ('directory' in entry) expect((await fs.readdir(guestPath(at))).map((child) => child.name)).toEqual(childrenIn(wanted, at))
        }
      })
      expect(seen).toBe('ok')

      const diff = await fs.commit()
      const after = await snapshotTree(raw, mount)
      expect(after).toEqual(wanted)
      const different = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((at) => !same(before[at], after[at]))
      expect(diff.map((entry) => entry.path as string)).toEqual(different.sort())
      expect(await fs.diff()).toEqual([])

      const again = stageGuestFs(openGuestFs({ fs: raw, root: mount }))
      await rewrite(again, wanted)
      expect(await again.diff()).toEqual([])
    }),
    { numRuns: 250 },
  )
})

const same = (left: ManifestEntry | undefined, right: ManifestEntry | undefined): boolean => {
  const sorted = (entry: ManifestEntry | undefined) => JSON.stringify(entry && Object.entries(entry).sort())
  return sorted(left) === sorted(right)
}

const childrenIn = (manifest: TreeManifest, directory: string): string[] => {
  const prefix = directory === '/' ? '/' : `${directory}/`
  const below = Object.keys(manifest).filter((at) => at !== '/' && at.startsWith(prefix) && !at.slice(prefix.length).includes('/'))
  return below.map((at) => at.slice(prefix.length)).sort()
}

/** Writes a tree over itself in the most destructive way: each top-level entry is removed and made again. */
async function rewrite(fs: WritableGuestFs, tree: TreeManifest): Promise<void> {
  for (const name of childrenIn(tree, '/')) await fs.removeTree(guestPath(`/${name}`))
  for (const [at, entry] of Object.entries(tree).sort(([left], [right]) => (left < right ? -1 : 1))) {
    const owner = { uid: entry.uid ?? 0, gid: entry.gid ?? 0 }
    const options = { ...owner, mode: entry.mode ?? 0 }
    if ('content' in entry) await fs.writeFile(guestPath(at), entry.content, options)
    else if ('link' in entry) await fs.symlink(entry.link, guestPath(at), owner)
    else await fs.makeDirectories(guestPath(at), options)
  }
}
