import { expect, test } from 'vitest'
import { type CloudGuest, createCloudGuest } from './lib/cloud-guest.ts'
import { createSeedImage } from './lib/seed-image.ts'

// Keep: a cloud-init that is there leaves what we set alone, without a data source and with one that wants everything otherwise.

const soak = process.env['HOST_DEPLOYER_SOAK'] !== undefined

async function createKeptGuest(name: string): Promise<CloudGuest> {
  const guest = await createCloudGuest(name)
  const report = await guest.deploy('--grow')
  expect(report.cloudInit).toEqual({ installed: true, mode: 'keep' })
  return guest
}

async function bootContradicted(guest: CloudGuest, last: boolean): Promise<void> {
  const seedImage = await createSeedImage(guest.space.path('seed.img'), {
    'user-data': '#cloud-config\nhostname: imposter\nmanage_etc_hosts: true\nssh_pwauth: false\ndisable_root: true\n',
    'meta-data': 'instance-id: other\nlocal-hostname: imposter\n',
    'network-config': 'version: 2\nethernets:\n  all:\n    match: { name: "e*" }\n    dhcp4: true\n',
  })
  await guest.boot({ seedImage, runs: true, last }, async (root) => {
    // It has run, and with that source.
    const { stdout } = await root.run('cat /run/cloud-init/result.json /var/lib/cloud/data/instance-id')
    expect(stdout).toContain('DataSourceNoCloud')
    expect(stdout).toContain('other')
  })
}

if (soak) {
  test('without a data source: every boot shows the same guest', async () => {
    const guest = await createKeptGuest('cloud-alone')
    for (const last of [false, true]) await guest.boot({ last })
  })

  test('with a data source that wants everything otherwise: what we set stays set, at every boot', async () => {
    const guest = await createKeptGuest('cloud-contradicted')
    for (const last of [false, true]) await bootContradicted(guest, last)
  })
} else {
  // The gate has one guest for both. To cloud-init the second boot is the first of a new instance.
  test('without a data source, then with one that wants everything otherwise: what we set stays set', async () => {
    const guest = await createKeptGuest('cloud-keep')
    await guest.boot({ last: false })
    await bootContradicted(guest, true)
  })
}
