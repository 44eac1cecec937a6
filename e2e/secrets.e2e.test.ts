import { expect, test } from 'vitest'
import { cacheDirectory } from './lib/cache.ts'
import { copyImage } from './lib/copy-image.ts'
import { driverArguments, runCommand } from './lib/run-command.ts'
import { metaData, networkConfig, scenario, userData } from './lib/scenario.ts'
import { createKeyPair, createWorkspace } from './lib/workspace.ts'

test('no secret is in what people and logs are shown', async () => {
  const space = await createWorkspace('secrets')
  await space.write('user-data', userData(createKeyPair('alice@example')))
  await space.write('meta-data', metaData)
  await space.write('network-config', networkConfig)
  const image = await copyImage('debian-12', space.directory, 'overlay')
  const args = ['deploy', image, '--seed', space.directory, '--allow-path', cacheDirectory(), '--dry-run', '--verbose']
  const { exitCode, stdout, stderr } = await runCommand(...args, ...driverArguments())
  expect(exitCode).toBe(0)
  // The diff has the files that hold the secrets, the log is there.
  for (const path of ['/etc/shadow', '/etc/example/app.conf']) expect(stdout).toContain(path)
  expect(stderr).toContain('"level":"debug"')
  for (const secret of [scenario.alicePassword, scenario.rootPassword, '$6$']) expect(`${stdout}${stderr}`).not.toContain(secret)
})
