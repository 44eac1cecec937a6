import type { NetworkConfig } from '@host-deployer/api'
import { OperationError } from '@host-deployer/driver-api'
import { guestPath, type WritableGuestFs } from '@host-deployer/guest-fs'
import type { NetworkBackend, NetworkFile, NetworkRendering, RenderContext } from '../network/backend.ts'
import {
  type DnsPlan,
  planDns,
  renderResolvConf,
  resolvConf,
  resolvedDropIn,
  resolvedDropInFiles,
  stubResolvConf,
} from '../network/dns-owner.ts'
import { networkFromRequest } from '../network/from-request.ts'
import { interfaceNameGlobs } from '../network/interface-names.ts'
import type { NetworkModel } from '../network/model.ts'
import { unmanagedFile, unmanagedPath } from '../network/network-manager-unmanaged.ts'
import { matchingPaths } from '../network/owned-files.ts'
import { networkBackends, selectNetworkBackend } from '../network/select-backend.ts'
import { defineOperation, type StageContext } from '../operation.ts'
import { stageEnableUnit } from '../strategies/services/systemd.ts'

const ownedGlobs = [...networkBackends.flatMap(({ owns }) => owns), ...interfaceNameGlobs, unmanagedPath, resolvedDropIn]

/**
 * The guest's network, for the manager the image has. Configuration of every manager we know is replaced as a whole, so that no interface is configured
 * twice. `network: {config: disabled}` leaves the image's configuration alone.
 * `INPUT_NETWORK_*`, `OPERATION_NETWORK_UNSUPPORTED`.
 */
export const network = defineOperation<NetworkConfig>({
  id: 'network',
  reads: [
    ...ownedGlobs.map((glob) => glob.slice(0, glob.lastIndexOf('/') + 1)),
    ...['/etc/network/interfaces', '/etc/rcS.d/', '/etc/rc2.d/', '/usr/lib/systemd/system/networking.service'],
    ...['multi-user', 'network-online'].map((target) => `/etc/systemd/system/${target}.target.wants/networking.service`),
  ],
  select: (request) => request.network,
  stage: async (context) => {
    const model = networkFromRequest(context.input)
    if (model === undefined) return 'skipped'
    const { fs, facts, profile } = context
    const { backend } = await selectNetworkBackend(profile, facts, fs)
    const dns = await planDns(fs, facts, backend)
    const renderContext: RenderContext = { facts, dns: dns.owner }
    const rendering = backend.render(model, renderContext)
    const files = [...rendering.files, ...(await idleFiles(fs, backend, renderContext)), ...sideFiles(model, backend, renderContext)]
    await replaceOwned(fs, files)
    await enableUnits(context, rendering)
    await stageDns(context, model, backend, dns)
    for (const key of rendering.ignored ?? []) {
      const summary = `${backend.id} cannot do ${key}; it is left out`
      context.diagnose({ severity: 'warning', code: 'NETWORK_OPTION_IGNORED', summary, path: `network.${key}` })
    }
    if (backend.id === 'ifupdown') await warnWithoutDhcpClient(context, model)
    return undefined
  },
})

/** What other managers of the image are left with: nothing but loopback. */
async function idleFiles(fs: WritableGuestFs, chosen: NetworkBackend, context: RenderContext): Promise<NetworkFile[]> {
  const files: NetworkFile[] = []
  for (const backend of networkBackends) {
    if (backend === chosen || (await backend.detect(context.facts, fs)) === 'absent') continue
    for (const file of backend.render({ nics: [] }, context).files) {
      const keep = (await backend.isIdle?.(fs)) === true ? await fs.readTextIfExists(file.path) : undefined
      // Nothing there is as idle as can be.
      if (await fs.exists(file.path)) files.push(keep === undefined ? file : { ...file, content: keep })
    }
  }
  return files
}

function sideFiles(model: NetworkModel, backend: NetworkBackend, { facts, dns }: RenderContext): NetworkFile[] {
  if (model.nics.length === 0) return []
  const managerRenders = backend.id === 'netplan' && !facts.networkManagers.includes('networkd')
  const unmanaged = facts.networkManagers.includes('network-manager') && !managerRenders ? [unmanagedFile(model)] : []
  return [...unmanaged, ...(backend.id === 'ifupdown' && dns === 'systemd-resolved' ? resolvedDropInFiles(model) : [])]
}

async function replaceOwned(fs: WritableGuestFs, files: readonly NetworkFile[]): Promise<void> {
  const kept = new Set<string>(files.map(({ path }) => path))
  for (const path of await matchingPaths(fs, ownedGlobs)) if (!kept.has(path)) await fs.remove(path)
  for (const { path, content, mode } of files) {
    await fs.makeDirectories(guestPath(path.slice(0, path.lastIndexOf('/'))))
    await fs.writeFile(path, content, { mode, uid: 0, gid: 0, replaceSymlink: true })
  }
}

async function enableUnits({ fs, facts, profile }: StageContext<unknown>, { units }: NetworkRendering): Promise<void> {
  if (facts.initSystem !== 'systemd' || profile.services !== 'systemd') return
  for (const unit of units) {
    if (await stageEnableUnit(fs, unit)) continue
    throw new OperationError('OPERATION_NETWORK_UNSUPPORTED', `The image lacks the unit ${unit}, which would bring the network up`, {
      hint: 'Install a network manager in the image, or leave network out of the request.',
      context: { unit },
    })
  }
}

async function stageDns(context: StageContext<unknown>, model: NetworkModel, backend: NetworkBackend, { owner, enableResolved }: DnsPlan) {
  const { fs } = context
  if (model.nics.length === 0) return
  if (enableResolved) {
    await stageEnableUnit(fs, 'systemd-resolved.service')
    await fs.symlink(stubResolvConf, resolvConf)
  }
  if (owner !== 'none') return
  const text = renderResolvConf(model)
  if (text !== undefined) await fs.writeFile(resolvConf, text, { mode: 0o644, uid: 0, gid: 0, replaceSymlink: true })
  else if (backend.id !== 'ifupdown') {
    context.diagnose({
      severity: 'warning',
      code: 'NETWORK_DNS_UNMANAGED',
      summary: 'Nothing in the guest turns name servers from DHCP into /etc/resolv.conf',
      detail: `${backend.id} needs systemd-resolved for that. Give nameservers in the request, or install it.`,
      path: resolvConf,
    })
  }
}

const dhcpClients = ['/usr/sbin/dhclient', '/sbin/dhclient', '/usr/sbin/dhcpcd', '/sbin/dhcpcd', '/usr/sbin/udhcpc', '/sbin/udhcpc']

async function warnWithoutDhcpClient({ fs, diagnose }: StageContext<unknown>, { nics }: NetworkModel): Promise<void> {
  if (!nics.some(({ dhcp4, dhcp6 }) => dhcp4 || dhcp6)) return
  for (const program of dhcpClients) if (await fs.exists(guestPath(program))) return
  diagnose({
    severity: 'warning',
    code: 'NETWORK_DHCP_CLIENT_ABSENT',
    summary: 'The request asks for DHCP, but the image has no DHCP client that ifupdown could start',
    detail: 'Install isc-dhcp-client or dhcpcd in the image, or give static addresses.',
    path: '/etc/network/interfaces',
  })
}
