import { expect, test } from 'vitest'
import { createCloudGuest } from './lib/cloud-guest.ts'
import { createSeedImage } from './lib/seed-image.ts'

test('keep, with a data source that wants everything otherwise: what we set stays set, at every boot', async () => {
  const guest = await createCloudGuest('cloud-contradicted')
  await guest.deploy()
  const seedImage = await createSeedImage(guest.space.path('seed.img'), {
    'user-data': '#cloud-config\nhostname: imposter\nmanage_etc_hosts: true\nssh_pwauth: false\ndisable_root: true\n',
    'meta-data': 'instance-id: other\nlocal-hostname: imposter\n',
    'network-config': 'version: 2\nethernets:\n  all:\n    match: { name: "e*" }\n    dhcp4: true\n',
  })
  for (const last of [false, true])
    await guest.boot({ seedImage, runs: true, last }, async (root) => {
      // It has run, and with that source.
      const { stdout } = await root.run('cat /run/cloud-init/result.json /var/lib/cloud/data/instance-id')
      expect(stdout).toContain('DataSourceNoCloud')
      expect(stdout).toContain('other')
    })
})
