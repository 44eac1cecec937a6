import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type ConfigUpdate, followConfig } from './follow-config.ts'
import { parseServeArguments } from './parse-serve-arguments.ts'
import { readConfig } from './read-config.ts'
import { makeConfigPlace } from './testing/config-place.ts'

/** At once: a file that is truncated and then written may be seen empty by a busy machine. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

test('edits as the field makes them reach the daemon, mistakes do not', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'deploy_concurrent: 2\n', 'common/..v1/common.conf': 'deploy_concurrent: 3\n' })
  await symlink('..v1', place.at('common/..data'))
  await symlink('..data/common.conf', place.at('common/common.conf'))
  const given = parseServeArguments(
    [
      '--common-config-file',
      place.at('common/common.conf'),
      '--config',
      place.at('host.conf'),
      '--local-config-file',
      place.at('local.conf'),
    ],
    'field',
  )
  const options = { given, env: {}, cwd: place.directory }
  const first = await readConfig(options)
  expect(first.config.concurrency).toBe(3)

  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const updates: ConfigUpdate[] = []
  followConfig(first, options, (update) => updates.push(update), { signal: stop.signal, debounceMs: 120, pollMs: 3_600_000 })
  const next = async (count: number) => {
    await vi.waitFor(() => expect(updates).toHaveLength(count), { timeout: 60_000, interval: 10 })
    return updates[count - 1]
  }
  await sleep(150)

  await place.write('common/..v2/common.conf', 'deploy_concurrent: 7\n')
  await symlink('..v2', place.at('common/..data_tmp'))
  await rename(place.at('common/..data_tmp'), place.at('common/..data'))
  await rm(place.at('common/..v1'), { recursive: true })
  expect(await next(1)).toMatchObject({ type: 'edited', comparison: { config: { concurrency: 7 }, changed: ['concurrency'] } })

  await replace(place.at('common/..v2/common.conf'), 'deploy_concurrent: lots\n')
  expect(await next(2)).toMatchObject({ type: 'refused', error: { code: 'CONFIG_INVALID' } })

  // Nothing changes, but all is well again.
  await replace(place.at('common/..v2/common.conf'), '# seven\ndeploy_concurrent: 7\n')
  expect(await next(3)).toMatchObject({ type: 'edited', comparison: { changed: [], diagnostics: [] } })

  await replace(place.at('common/..v2/common.conf'), '# still seven\ndeploy_concurrent: 7\n')
  await sleep(500)
  expect(updates).toHaveLength(3)

  await place.write('local.conf', 'deploy_server_socket_path: /run/other.sock\nlog_level: debug\n')
  expect(await next(4)).toMatchObject({
    type: 'edited',
    comparison: {
      config: { concurrency: 7, logLevel: 'debug', socketPath: '/var/run/onecloud/deploy.sock' },
      diagnostics: [{ code: 'CONFIG_NEEDS_RESTART', path: 'socketPath' }],
    },
    findings: [{ code: 'CONFIG_NEEDS_RESTART' }],
  })

  // Taken back: no value of the daemon's changes, but a finding goes.
  await replace(place.at('local.conf'), 'log_level: debug\n')
  expect(await next(5)).toMatchObject({ type: 'edited', comparison: { changed: [], diagnostics: [] }, findings: [] })
})

test('a file that an edit names is followed as well', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'deploy_concurrent: 2\n', 'other.conf': 'deploy_concurrent: 4\n' })
  const options = { given: parseServeArguments(['--config', place.at('host.conf')], 'serve'), env: {}, cwd: place.directory }
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const updates: ConfigUpdate[] = []
  followConfig(await readConfig(options), options, (update) => updates.push(update), {
    signal: stop.signal,
    debounceMs: 120,
    pollMs: 3_600_000,
  })
  await sleep(150)
  await replace(place.at('host.conf'), 'common_config_file: other.conf\n')
  await vi.waitFor(() => expect(updates).toHaveLength(1), { timeout: 60_000 })
  await sleep(150)
  await replace(place.at('other.conf'), 'deploy_concurrent: 6\n')
  await vi.waitFor(() => expect(updates).toHaveLength(2), { timeout: 60_000 })
  expect(updates).toMatchObject([{ comparison: { config: { concurrency: 4 } } }, { comparison: { config: { concurrency: 6 } } }])
})
