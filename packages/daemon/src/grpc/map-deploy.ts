import { type DeployRequest, type MountRequest, mergeRequests, parseRequest, type WriteFileRequest } from '@host-deployer/api'
import type { DeployContent, DeployInfo, DeployParams, Disk, GuestDesc } from '@host-deployer/api/grpc'
import { type Diagnostic, InputError } from '@host-deployer/driver-api'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { accountsOf } from './map-accounts.ts'
import { namesOf } from './map-names.ts'
import { networkOfNics } from './map-network.ts'
import type { NetworkSettings } from './nic-routes.ts'
import { ignored } from './wire-findings.ts'

export type MappingConfig = Pick<DaemonConfig, 'allowVmSelinux' | 'cloudrootDir'> & NetworkSettings

export interface MappedDeploy {
  readonly request: DeployRequest
  /** What was left out or changed, and no reason to fail. */
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * `DeployParams` as a request. Files, user data, mounts and the switching off of cloud-init count only for a first deploy (`is_init`). What the fields say
 * themselves wins over user data. Pure. `INPUT_*`; no message shows a value of a field.
 */
export function requestOfDeploy({ guest_desc: guest, deploy_info: info }: DeployParams, config: MappingConfig): MappedDeploy {
  const diagnostics: Diagnostic[] = []
  const diagnose = (finding: Diagnostic) => void diagnostics.push(finding)
  const network = guest === null ? undefined : networkOfNics(guest, config, diagnose)
  const own: DeployRequest = {
    ...namesOf(guest, diagnose),
    ...(network !== undefined && { network }),
    ...(info !== null && accountsOf(info, config.cloudrootDir)),
    ...(info?.is_init === true && firstDeploy(info, guest, diagnose)),
    ...(!config.allowVmSelinux && { selinux: { mode: 'disabled' } as const }),
    seed: {},
    cloud_init: info?.is_init === true && !info.enable_cloud_init ? 'disable' : 'keep',
  }
  if (info !== null && info.telegraf !== null) {
    const summary = 'the monitoring agent is not installed: there is no way to do so yet'
    diagnose({ severity: 'warning', code: 'WIRE_AGENT_LEFT_OUT', summary, path: 'deploy_info.telegraf' })
  }
  const userData = info?.is_init === true ? readUserData(info.user_data) : undefined
  if (userData === undefined) return { request: own, diagnostics }
  return { request: mergeRequests(userData.request, own), diagnostics: [...diagnostics, ...userData.diagnostics] }
}

function firstDeploy(info: DeployInfo, guest: GuestDesc | null, diagnose: (finding: Diagnostic) => void): Partial<DeployRequest> {
  const files = info.deploys.map((file, index) => fileOf(file, `deploy_info.deploys[${index}]`))
  const mounts = mountsOf(guest?.disks ?? [], diagnose)
  return { ...(files.length > 0 && { write_files: files }), ...(mounts.length > 0 && { mounts }) }
}

function fileOf({ path, content, action }: DeployContent, where: string): WriteFileRequest {
  const absolute = path.startsWith('/') ? path : `/${path}`
  const empty = content === ''
  if (path === '' || absolute.split('/').includes('..') || (!empty && /\/\.?$/.test(absolute)) || Buffer.byteLength(absolute) > 4095) {
    throw new InputError('INPUT_PATH_INVALID', `${where}.path: is not the path of a file`, {
      hint: 'Give an absolute path without "..".',
      context: { path: `${where}.path` },
    })
  }
  return {
    // An empty file is not made: the path's last part only has to be there.
    path: empty && absolute.endsWith('/') ? `${absolute}.` : absolute,
    content: new TextEncoder().encode(content),
    owner: 'root:root',
    permissions: 0o644,
    append: action === 'append',
    defer: false,
    keep_attributes: true,
    ...(empty && { parents_only: true as const }),
  }
}

/** systemd starts nothing before swap.target, and that waits for wanted swap areas too: a minute and a half, if nobody says otherwise. */
const swapOptions = 'sw,nofail,x-systemd.device-timeout=30s'

/** The first disk is the root's. A file system was made with the disk's id as its UUID. */
function mountsOf(disks: readonly Disk[], diagnose: (finding: Diagnostic) => void): MountRequest[] {
  let unnamed = 0
  return disks.flatMap((disk, index): MountRequest[] => {
    if (index === 0 || disk.fs === '') return []
    const where = `guest_desc.disks[${index}]`
    const isSwap = disk.fs === 'swap'
    const mountpoint = isSwap ? null : disk.mountpoint || `/data${unnamed === 0 ? '' : unnamed}`
    if (!isSwap && disk.mountpoint === '') unnamed += 1
    if (!/^[A-Za-z0-9-]{1,64}$/.test(disk.disk_id)) {
      diagnose(ignored(`${where}.disk_id`, 'a disk without an id that its file system can be found by'))
      return []
    }
    if (!/^[a-z0-9_]{1,32}$/i.test(disk.fs)) throw mountError(`${where}.fs`, 'is not a kind of file system')
    if (mountpoint !== null && (!mountpoint.startsWith('/') || mountpoint === '/' || mountpoint.split('/').includes('..'))) {
      throw mountError(`${where}.mountpoint`, 'is not an absolute path below the root')
    }
    const device = `UUID=${disk.disk_id.toLowerCase()}`
    // Without nofail a disk that was taken away stops the boot.
    if (isSwap) return [{ device, mountpoint, type: 'swap', options: swapOptions, dump: 0, pass: 0 }]
    return [{ device, mountpoint, type: disk.fs, options: 'defaults,nofail', dump: 0, pass: 2 }]
  })
}

const mountError = (path: string, problem: string) =>
  new InputError('INPUT_INVALID', `${path}: ${problem}`, { hint: 'Correct the disk.', context: { path } })

/** What says itself what it is; anything else is a script of the field's, which has no first line. */
const marked = /^(#!|#cloud-|#include|#part-handler|#upstart-job|## template:|content-type:|mime-version:|\x1f)/i

function readUserData(text: string) {
  if (text.trim() === '') return undefined
  return parseRequest({ userData: marked.test(text.trimStart()) ? text : `#!/bin/sh\n${text}` }, { ignoreUnsupported: true })
}
