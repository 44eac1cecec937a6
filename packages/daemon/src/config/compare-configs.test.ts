import { hostPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { compareConfigs } from './compare-configs.ts'
import { readConfig } from './read-config.ts'
import { settingNames, settings } from './settings.ts'
import { makeConfigPlace } from './testing/config-place.ts'

test('nothing changed', async () => {
  await using place = await makeConfigPlace({ 'host.conf': '' })
  const [one, other] = [await place.read(), await place.read()]
  expect(compareConfigs(one.config, other.config)).toEqual({ config: one.config, changed: [], diagnostics: [] })
})

test('what takes effect is taken, what cannot change is kept and said', async () => {
  await using place = await makeConfigPlace({ 'host.conf': 'deploy_concurrent: 5' })
  const { config } = await place.read()
  const edited = {
    ...config,
    concurrency: 9,
    imageRoots: [...config.imageRoots, hostPath('/data')],
    driverOptions: { memoryMb: 512 },
    socketPath: hostPath('/run/other.sock'),
    socketGroup: 'kvm',
  }
  const { config: next, changed, diagnostics } = compareConfigs(config, edited)
  expect(changed.toSorted()).toEqual(['concurrency', 'driverOptions', 'imageRoots'])
  expect(next).toEqual({ ...config, concurrency: 9, imageRoots: ['/opt/cloud', '/data'], driverOptions: { memoryMb: 512 } })
  expect(Object.isFrozen(next)).toBe(true)
  expect(diagnostics.map(({ code, path }) => [code, path])).toEqual([
    ['CONFIG_NEEDS_RESTART', 'socketPath'],
    ['CONFIG_NEEDS_RESTART', 'socketGroup'],
  ])
})

test('sockets and directories need a restart, the rest does not', () => {
  expect(settingNames.filter((name) => settings[name].takesEffect === 'restart')).toEqual([
    'socketPath',
    'socketGroup',
    'adminSocketPath',
    'workDirectory',
    'stateDirectory',
    'cacheDirectory',
    'metricsTextfile',
  ])
})

test('every setting of a configuration is known', async () => {
  await using place = await makeConfigPlace({ 'host.conf': '' })
  const { config } = await readConfig({ env: {}, cwd: place.directory })
  expect(Object.keys(config).filter((name) => !settingNames.some((known) => known === name))).toEqual([])
})
