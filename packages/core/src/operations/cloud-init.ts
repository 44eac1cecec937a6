import type { CloudInitMode } from '@host-deployer/api'
import { OperationError } from '@host-deployer/driver-api'
import { generatedHeader } from '@host-deployer/formats'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import { parseDocument, stringify } from 'yaml'
import { type CloudConfig, keepDropIn } from '../cloud-init/keep-drop-in.ts'
import { noCloudSeed } from '../cloud-init/seed.ts'
import { matchingPaths } from '../network/owned-files.ts'
import { defineOperation, type StageContext } from '../operation.ts'
import { hostKeyCommand } from './first-boot.ts'

const configDirectory = '/etc/cloud/cloud.cfg.d'
// Read in the order of their names, later ones win; installers leave files such as 99-installer.cfg and subiquity-….cfg.
const dropIn = guestPath(`${configDirectory}/zz-host-deployer.cfg`)
const disabledFlag = guestPath('/etc/cloud/cloud-init.disabled')
const seedDirectory = guestPath('/var/lib/cloud/seed/nocloud')

/**
 * The cloud-init inside the image. `keep`: a drop-in makes it leave alone what the request configured. `disable`: it does not run at all.
 * `delegate`: the request is its to carry out, from a NoCloud seed in the image; this is then the only operation. Without a cloud-init in the image
 * `keep` and `disable` have nothing to do.
 *
 * `OPERATION_CLOUD_INIT_ABSENT` for `delegate` in an image without it, `INPUT_META_DATA`.
 */
export const cloudInit = defineOperation<{ readonly mode: CloudInitMode }>({
  id: 'cloud-init',
  after: ['hostname', 'hosts', 'network', 'users', 'password', 'ssh-keys', 'login-account', 'locale', 'timezone', 'write-files-deferred'],
  select: ({ cloud_init: mode }) => ({ mode }),
  stage: async (context) => {
    const { mode } = context.input
    if (!context.facts.cloudInit.installed) {
      if (mode !== 'delegate') return 'skipped'
      throw new OperationError('OPERATION_CLOUD_INIT_ABSENT', 'The image has no cloud-init to delegate to', {
        hint: 'Leave out --cloud-init delegate: the request can be carried out without cloud-init.',
      })
    }
    if (mode === 'delegate') return delegate(context)
    await ensureHostKeys(context)
    if (mode === 'keep') return keep(context)
    await context.fs.writeFile(disabledFlag, '', { mode: 0o644 })
    return undefined
  },
})

async function keep({ fs, facts, profile, request, diagnose, loginAccount }: StageContext<unknown>): Promise<'skipped' | undefined> {
  const asked = keepDropIn(request, facts.cloudInit.defaultUser ?? profile.defaultUser.name, loginAccount.chosen)
  const before = await existingDropIn(fs)
  // What an earlier deploy set stays set; of a sealed guest only what goes with the network configuration, which stays, too.
  const kept = request.seal !== true ? before : before['network'] === undefined ? {} : { network: before['network'] }
  const merged = { ...kept, ...asked }
  if (Object.keys(asked).length === 0 && Object.keys(kept).length === Object.keys(before).length) return 'skipped'
  if (Object.keys(merged).length === 0) await fs.remove(dropIn)
  else await writeDropIn(fs, merged)
  const overridable = Object.keys(asked).filter((key) => key !== 'network')
  if (overridable.length > 0) {
    diagnose({
      severity: 'info',
      code: 'CLOUD_INIT_USER_DATA_WINS',
      summary: 'cloud-init leaves alone what was configured, unless a data source gives it other user-data',
      detail: `User-data and vendor-data of a data source are merged over: ${overridable.join(', ')}. --cloud-init disable rules that out.`,
      path: dropIn,
    })
  }
  return undefined
}

async function delegate({ fs, request, diagnose }: StageContext<unknown>): Promise<undefined> {
  const seed = noCloudSeed(request)
  const root = { uid: 0, gid: 0 }
  await fs.makeDirectories(seedDirectory, { mode: 0o755, ...root })
  const files = {
    'user-data': seed.userData,
    'meta-data': seed.metaData,
    'network-config': seed.networkConfig,
    'vendor-data': seed.vendorData,
  }
  for (const [name, content] of Object.entries(files)) {
    const path = guestPath(`${seedDirectory}/${name}`)
    // A file of an earlier seed must not mix with this one.
    if (content === undefined) await fs.remove(path)
    else await fs.writeFile(path, content, { mode: 0o600, ...root, sensitive: true })
  }
  // Not what an earlier deploy held back from cloud-init: now everything is its own.
  await writeDropIn(fs, { datasource_list: ['NoCloud', 'None'] })
  await fs.remove(disabledFlag)
  if (seed.vendorDataMayLose) {
    diagnose({
      severity: 'info',
      code: 'CLOUD_INIT_USER_DATA_WINS',
      summary:
        'What the request says beside user-data is given to cloud-init as vendor-data; where user-data says something else, that wins',
      path: `${seedDirectory}/vendor-data`,
    })
  }
  if (seed.networkConfig !== undefined) {
    for (const path of await disabledNetworkFiles(fs)) {
      diagnose({
        severity: 'warning',
        code: 'CLOUD_INIT_NETWORK_DISABLED',
        summary: "The image's own configuration keeps cloud-init from configuring the network; the seed's network-config has no effect",
        path,
      })
    }
  }
  return undefined
}

async function writeDropIn(fs: WritableGuestFs, config: CloudConfig): Promise<void> {
  await fs.makeDirectories(guestPath(configDirectory))
  // ds-identify reads datasource_list only when it stands on one line.
  const { datasource_list: sources, ...rest } = config
  const sourceLine = Array.isArray(sources) ? `datasource_list: [${sources.join(', ')}]\n` : ''
  const body = Object.keys(rest).length === 0 ? '' : stringify(rest, { version: '1.1', lineWidth: 0 })
  await fs.writeFile(dropIn, generatedHeader('#') + sourceLine + body, { mode: 0o644, uid: 0, gid: 0 })
}

async function existingDropIn(fs: WritableGuestFs): Promise<CloudConfig> {
  const config: unknown = parseDocument((await fs.readTextIfExists(dropIn)) ?? '').toJS()
  return typeof config === 'object' && config !== null && !Array.isArray(config) ? (config as CloudConfig) : {}
}

async function disabledNetworkFiles(fs: WritableGuestFs): Promise<string[]> {
  const paths: string[] = []
  for (const path of await matchingPaths(fs, ['/etc/cloud/cloud.cfg', `${configDirectory}/*.cfg`])) {
    const text = (await fs.readTextIfExists(path)) ?? ''
    if (path !== dropIn && /^network:\s*(\{\s*config:\s*disabled\s*\}|\n\s+config:\s*disabled\b)/m.test(text)) paths.push(path)
  }
  return paths
}

/**
 * Cloud images come without SSH host keys; cloud-init makes them. It does not when it is disabled, or finds no data source, and then sshd does not
 * start. `ssh-keygen -A` makes what is missing only; a cloud-init that does run replaces them before sshd starts.
 */
async function ensureHostKeys({ fs, facts, profile, firstBoot }: StageContext<unknown>): Promise<void> {
  if (facts.sshServer !== 'openssh' || profile.services !== 'systemd' || facts.initSystem !== 'systemd') return
  if ((await matchingPaths(fs, ['/etc/ssh/ssh_host_*_key'])).length === 0) firstBoot.early(hostKeyCommand)
}
