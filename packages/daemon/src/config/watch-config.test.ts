import { appendFileSync } from 'node:fs'
import { appendFile, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type FileState, readFileState } from './file-state.ts'
import { makeConfigPlace } from './testing/config-place.ts'
import { watchConfig } from './watch-config.ts'
import { watchedDirectories } from './watched-directories.ts'

const never = 3_600_000

// Each change below is one step for whoever looks meanwhile (bytes appended, a name made, removed or renamed): one that is written in two is two changes on a machine that is
// busy between them.

async function watching(paths: readonly string[], { pollMs = never, debounceMs = 40 } = {}) {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const seen: string[][] = []
  const files = await Promise.all(paths.map(readFileState))
  const onChange = (changed: readonly string[]): undefined => {
    seen.push([...changed])
  }
  watchConfig(files, onChange, { signal: stop.signal, debounceMs, pollMs })
  // The watches are there once the directories were looked at.
  await sleep(150)
  return { seen, stop, changes: (count: number) => vi.waitFor(() => expect(seen).toHaveLength(count), { timeout: 60_000, interval: 10 }) }
}

test('an edit in place, an atomic rename, a file made and one removed', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'a: 1\n' })
  const { seen, changes } = await watching([place.at('host.conf'), place.at('absent.conf')])
  await appendFile(place.at('host.conf'), 'b: 2\n')
  await changes(1)
  await writeFile(place.at('new'), 'a: 3\n')
  await rename(place.at('new'), place.at('host.conf'))
  await changes(2)
  // The file that was renamed into place is watched, too.
  await appendFile(place.at('host.conf'), 'b: 4\n')
  await changes(3)
  await writeFile(place.at('absent.conf'), '')
  await changes(4)
  await rm(place.at('absent.conf'))
  await changes(5)
  expect(seen.map(([path]) => path)).toEqual(['host.conf', 'host.conf', 'host.conf', 'absent.conf', 'absent.conf'].map(place.at))
})

/** What kubelet does: a new directory, a new link beside, which is renamed over `..data`; the old directory goes. */
async function swap(at: (name: string) => string, version: number, text: string): Promise<void> {
  await mkdir(at(`common/..v${version}`), { recursive: true })
  await writeFile(at(`common/..v${version}/common.conf`), text)
  await symlink(`..v${version}`, at('common/..data_tmp'))
  await rename(at('common/..data_tmp'), at('common/..data'))
  if (version === 1) await symlink('..data/common.conf', at('common/common.conf'))
  await rm(at(`common/..v${version - 1}`), { recursive: true, force: true })
}

test('a ConfigMap that is swapped by its symlink, again and again', async () => {
  await using place = await makeConfigPlace()
  await swap(place.at, 1, 'a: 1\n')
  const { changes } = await watching([place.at('common/common.conf')])
  for (const version of [2, 3, 4]) {
    await swap(place.at, version, `a: ${version}\n`)
    await changes(version - 1)
  }
})

test('a swap of a file of the same length is seen', async () => {
  await using place = await makeConfigPlace()
  await swap(place.at, 1, 'a: 1\n')
  const { changes } = await watching([place.at('common/common.conf')])
  await swap(place.at, 2, 'a: 1\n')
  await changes(1)
})

test('a link to a file elsewhere: the edit there, and the link turned to another file', async () => {
  await using place = await makeConfigPlace({ 'one/real.conf': 'a: 1', 'two/real.conf': 'a: 2' })
  await mkdir(place.at('etc'))
  await symlink('../one/real.conf', place.at('etc/host.conf'))
  const { changes } = await watching([place.at('etc/host.conf')])
  await appendFile(place.at('one/real.conf'), '1')
  await changes(1)
  await symlink(place.at('two/real.conf'), place.at('etc/new'))
  await rename(place.at('etc/new'), place.at('etc/host.conf'))
  await changes(2)
  await appendFile(place.at('two/real.conf'), '2')
  await changes(3)
})

test('a directory that is a link, turned to another', async () => {
  await using place = await makeConfigPlace({ 'one/host.conf': 'a: 1', 'two/host.conf': 'a: 2', 'links/.keep': '' })
  await symlink('../one', place.at('links/etc'))
  const { changes } = await watching([place.at('links/etc/host.conf')])
  await symlink('../two', place.at('links/new'))
  await rename(place.at('links/new'), place.at('links/etc'))
  await changes(1)
})

test('a file in a directory that does not exist yet', async () => {
  await using place = await makeConfigPlace()
  const { changes } = await watching([place.at('etc/yunion/host.conf')])
  await mkdir(place.at('etc/yunion'), { recursive: true })
  await sleep(150)
  await writeFile(place.at('etc/yunion/host.conf'), '')
  await changes(1)
  await rm(place.at('etc'), { recursive: true })
  await changes(2)
  await mkdir(place.at('etc/yunion'), { recursive: true })
  await writeFile(place.at('etc/yunion/host.conf'), '')
  await changes(3)
})

test('without any notice the poll finds out', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'a: 1\n' })
  const fresh = place.at('host.conf')
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const stale: FileState = { path: fresh, state: 'absent' }
  const seen: (readonly string[])[] = []
  const onChange = (changed: readonly string[]): undefined => {
    seen.push(changed)
  }
  watchConfig([stale], onChange, { signal: stop.signal, debounceMs: never, pollMs: 50 })
  // What changed between reading and watching.
  await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 60_000 })
  await appendFile(fresh, 'b: 1\n')
  await vi.waitFor(() => expect(seen).toHaveLength(2), { timeout: 60_000 })
})

test('many writes are one change, files beside it none, and nothing comes after the end', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'a: 1\n' })
  const { seen, stop, changes } = await watching([place.at('host.conf')])
  await writeFile(place.at('other.conf'), 'x')
  for (let index = 0; index < 20; index += 1) appendFileSync(place.at('host.conf'), `k${index}: 1\n`)
  await changes(1)
  await sleep(200)
  expect(seen).toHaveLength(1)
  stop.abort()
  await appendFile(place.at('host.conf'), 'b: 1\n')
  await sleep(200)
  expect(seen).toHaveLength(1)
})

test('a file that is emptied and written later is one change', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'a: 1\n' })
  const { seen, changes } = await watching([place.at('host.conf')], { debounceMs: 300 })
  await writeFile(place.at('host.conf'), '')
  await sleep(45)
  await writeFile(place.at('host.conf'), 'a: 2\n')
  await changes(1)
  await sleep(700)
  expect(seen).toHaveLength(1)
})

test('the files that the reader names are watched from then on', async () => {
  await using place = await makeConfigPlace({ 'one.conf': 'a: 1\n', 'two.conf': 'a: 1\n' })
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const seen: (readonly string[])[] = []
  watchConfig(
    [await readFileState(place.at('one.conf'))],
    async (changed) => {
      const next = [await readFileState(place.at('two.conf'))]
      seen.push(changed)
      return next
    },
    { signal: stop.signal, debounceMs: 40, pollMs: never },
  )
  await sleep(150)
  await appendFile(place.at('one.conf'), 'b: 1\n')
  await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 60_000 })
  await appendFile(place.at('one.conf'), 'c: 1\n')
  await appendFile(place.at('two.conf'), 'c: 1\n')
  await vi.waitFor(() => expect(seen).toHaveLength(2), { timeout: 60_000 })
  expect(seen[1]).toEqual([place.at('two.conf')])
})

test('links that lead in a circle end the walk', async () => {
  await using place = await makeConfigPlace()
  await symlink('b', place.at('a'))
  await symlink('a', place.at('b'))
  expect((await watchedDirectories(place.at('a'))).has(place.directory)).toBe(true)
})
