import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bootGuest } from './lib/boot-guest.ts'
import { createCloudGuest } from './lib/cloud-guest.ts'
import { scenario } from './lib/scenario.ts'

test('delegate: cloud-init does it all from the seed we left', async () => {
  const guest = await createCloudGuest('cloud-delegate')
  // A key that only cloud-init has.
  await appendFile(join(guest.space.directory, 'user-data'), 'random_seed: {file: /var/tmp/left-to-cloud-init, data: done}\n')
  const report = await guest.deploy('--cloud-init', 'delegate')
  expect(report.cloudInit.mode).toBe('delegate')
  expect(report.diagnostics.map(({ severity, code, path }) => [severity, code, path])).toContainEqual([
    'info',
    'INPUT_KEY_UNSUPPORTED',
    'random_seed',
  ])
  const paths = report.diff.map(({ path }) => path)
  expect(paths).toContain('/var/lib/cloud/seed/nocloud/user-data')
  expect(paths).not.toContain('/etc/passwd')
  expect((await guest.deploy('--cloud-init', 'delegate')).changed).toBe(false)

  // What cloud-init makes of it is its own: no login as root by password, which takes a setting of sshd that it does not touch.
  await using booted = await bootGuest(guest.image, { format: 'qcow2', address: scenario.address, mac: scenario.mac })
  await booted.waitForConsole(/web1 login:/)
  await booted.waitForConsole(/Cloud-init v\. .* finished at/)
  using byKey = await booted.login('alice', { privateKey: guest.privateKey })
  using byPassword = await booted.login('alice', { password: scenario.alicePassword })
  expect((await byPassword.run('hello')).stdout).toBe('hello from web1\n')
  expect(
    (
      await byKey.run('hostname -f; date +%Z; sudo -n stat -c "%a %U %G %s" /etc/example/app.conf; sudo -n cat /var/tmp/left-to-cloud-init')
    ).stdout.split('\n'),
  ).toEqual([scenario.fqdn, 'JST', '640 alice operators 16', 'done'])
})
