import type { DeployReport } from '@host-deployer/api'
import { beforeAll, expect, test } from 'vitest'
import { bootGuest } from './boot-guest.ts'
import { checkFileSystems } from './check-file-systems.ts'
import { copyImage } from './copy-image.ts'
import { digestOf } from './digest-of.ts'
import { expectScenario } from './expect-scenario.ts'
import type { ImageName } from './image-definitions.ts'
import { driverUnderTest, runJson } from './run-command.ts'
import { metaData, networkConfig, scenario, userData } from './scenario.ts'
import { createKeyPair, createWorkspace, type Workspace } from './workspace.ts'

export interface BootedImage {
  readonly name: ImageName
  readonly as: 'overlay' | 'raw'
  readonly rootType: 'ext4' | 'xfs'
}

/** The main path on one image: dry run, deploy, the same again, checked file systems (before a boot could mend them), boot by its own boot loader. */
export function deployAndBoot({ name, as, rootType }: BootedImage): void {
  const key = createKeyPair('alice@example')
  let space: Workspace
  let image: string
  let deployArguments: string[]
  let expected: string[]

  beforeAll(async () => {
    space = await createWorkspace(name)
    image = await copyImage(name, space.directory, as, '8G')
    await space.write('user-data', userData(key))
    await space.write('meta-data', metaData)
    await space.write('network-config', networkConfig)
    deployArguments = ['deploy', image, '--seed', space.directory, '--allow-path', '/']
  })

  test('a dry run shows the diff and leaves every byte as it was', async () => {
    const before = await digestOf(image)
    const dry = await runJson<DeployReport>([...deployArguments, '--dry-run'])
    expect(dry).toMatchObject({ dryRun: true, changed: true })
    expected = dry.diff.map(({ path }) => path)
    expect(expected).toContain('/etc/example/app.conf')
    expect(await digestOf(image)).toBe(before)
  })

  test('the deploy reports what it changed, the same request again changes nothing', async () => {
    const report = await runJson<DeployReport>(deployArguments)
    expect(report).toMatchObject({
      changed: true,
      driver: driverUnderTest() ?? expect.any(String),
      facts: { storage: { filesystems: expect.arrayContaining([expect.objectContaining({ mountpoint: '/', type: rootType })]) } },
    })
    expect(report.diff.map(({ path }) => path)).toEqual(expected)
    expect(report.operations.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(JSON.stringify(report)).not.toContain(scenario.rootPassword.slice(0, 8))

    const before = await digestOf(image)
    const again = await runJson<DeployReport>(deployArguments)
    expect(again).toMatchObject({ changed: false, diff: [] })
    expect(await digestOf(image)).toBe(before)
  })

  test('the file systems are clean', async () => {
    expect(await checkFileSystems(image, as === 'raw' ? 'raw' : 'qcow2')).toEqual([])
  })

  test('the guest boots by its own boot loader and is what was asked for', async () => {
    await using guest = await bootGuest(image, { format: as === 'raw' ? 'raw' : 'qcow2', address: scenario.address, mac: scenario.mac })
    await guest.waitForConsole(/web1 login:/)
    await expectScenario(guest, key.privateKey)
  })
}
