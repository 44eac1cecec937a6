import type { DeployReport } from '@host-deployer/api'
import { type BootOptions, bootGuest, type GuestShell } from './boot-guest.ts'
import { cacheDirectory } from './cache.ts'
import { copyImage } from './copy-image.ts'
import { expectScenario } from './expect-scenario.ts'
import { runJson } from './run-command.ts'
import { metaData, networkConfig, scenario, userData } from './scenario.ts'
import { createKeyPair, createWorkspace, type Workspace } from './workspace.ts'

/** An image with a cloud-init in it, as most public ones, and the scenario as a seed. */
export interface CloudGuest {
  readonly space: Workspace
  readonly image: string
  readonly privateKey: string
  deploy(...more: readonly string[]): Promise<DeployReport>
  /** Boots, checks the scenario, and `look`s as root. */
  boot(options?: CloudBoot, look?: (root: GuestShell) => Promise<void>): Promise<void>
}

export interface CloudBoot extends Pick<BootOptions, 'seedImage'> {
  /** It has a data source: passwords may be set when sshd has long been up, so wait for the end of cloud-init. */
  readonly runs?: boolean
  /** Default; else it is shut down in order, for the next boot. */
  readonly last?: boolean
}

export async function createCloudGuest(name: string): Promise<CloudGuest> {
  const key = createKeyPair('alice@example')
  const space = await createWorkspace(name)
  await space.write('user-data', userData(key))
  await space.write('meta-data', metaData)
  await space.write('network-config', networkConfig)
  const image = await copyImage('debian-12-cloud', space.directory, 'overlay', '8G')
  return {
    space,
    image,
    privateKey: key.privateKey,
    deploy: (...more) => runJson<DeployReport>(['deploy', image, '--seed', space.directory, '--allow-path', cacheDirectory(), ...more]),
    async boot({ runs = false, last = true, ...options } = {}, look = async () => {}) {
      await using guest = await bootGuest(image, { format: 'qcow2', address: scenario.address, mac: scenario.mac, ...options })
      await guest.waitForConsole(/web1 login:/)
      if (runs) await guest.waitForConsole(/Cloud-init v\. .* finished at/)
      await expectScenario(guest, key.privateKey)
      using root = await guest.login('root', { password: scenario.rootPassword })
      await look(root)
      if (!last) await guest.powerOffAtOnce(root)
    },
  }
}
