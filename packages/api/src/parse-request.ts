import type { Diagnostic } from '@host-deployer/driver-api'
import { type CheckOptions, checkDocument } from './check-document.ts'
import { asMap, isMap, parseUserData, scriptPath } from './parse-user-data.ts'
import { type Problem, problemsError } from './problem.ts'
import { type LocatedDocument, readYaml } from './read-yaml.ts'
import type { ChpasswdRequest, CloudInitMode, DeployRequest, MetaData, NetworkConfig, PasswordRequest, SeedFiles } from './request.ts'
import type { CloudConfig } from './schema/cloud-config.ts'
import { metaData } from './schema/meta-data.ts'
import { mountRequests } from './schema/mounts.ts'
import { network, networkFile } from './schema/network.ts'
import { isPasswordHash, isPlainPassword } from './schema/password.ts'
import { isHostname, isSshKeyLine, present } from './schema/scalars.ts'
import { Secret } from './secret.ts'

/** The files of a NoCloud seed as text; each may be absent. */
export interface RequestFiles {
  readonly userData?: string
  readonly metaData?: string
  readonly networkConfig?: string
}

/** What the command line says itself. It wins over the files, except for keys, which are added to theirs. */
export interface RequestOverrides {
  /** A host name; with a dot in it, it is the FQDN. */
  readonly hostname?: string
  readonly rootPassword?: PasswordRequest
  /** Lines of authorized_keys(5) for the default user. */
  readonly sshAuthorizedKeys?: readonly string[]
  /** Grow the root partition and its file system to the disk. */
  readonly grow?: boolean
}

export interface ParseRequestOptions {
  /**
   * Leave unknown and unsupported keys out, each with a diagnostic, instead of failing. Default false. With `cloudInit: 'delegate'` they are left to the
   * cloud-init inside the image in any case, each with a finding.
   */
  readonly ignoreUnsupported?: boolean
  readonly overrides?: RequestOverrides
  /** Default `keep`. */
  readonly cloudInit?: CloudInitMode
}

export interface ParsedRequest {
  readonly request: DeployRequest
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Makes a request of a NoCloud seed. user-data is `#cloud-config`, or a script, which becomes the last command of the first boot. As in
 * cloud-init, `hostname` and `fqdn` of user-data win over meta-data's `local-hostname`, and `public-keys` of meta-data are added to
 * `ssh_authorized_keys`. A network-config file wins over the key `network`.
 *
 * With `cloudInit: 'delegate'` only what is wrong for cloud-init, too, is refused: keys, kinds of user-data and of interfaces that are not ours become
 * findings of severity `info`, under the codes they would have as errors. The keys of our own, `seal` excepted, are then `INPUT_KEY_UNSUPPORTED`.
 *
 * Throws `InputError` with all problems of a file at once (`context.problems`: code, file, path, line, column): `INPUT_YAML_INVALID`,
 * `INPUT_USER_DATA_KIND_UNSUPPORTED`, `INPUT_KEY_UNKNOWN`, `INPUT_KEY_UNSUPPORTED`, `INPUT_INVALID`, `INPUT_PATH_INVALID`, `INPUT_NAME_INVALID`,
 * `INPUT_PASSWORD_INVALID`, `INPUT_SSH_KEY_INVALID`, `INPUT_CONTENT_TOO_LARGE`. No message, context or inspection of error or request shows a
 * password.
 */
export function parseRequest(files: RequestFiles, options: ParseRequestOptions = {}): ParsedRequest {
  const diagnostics: Diagnostic[] = []
  const ignoreUnsupported = options.ignoreUnsupported ?? false
  const delegated = options.cloudInit === 'delegate'
  const check: CheckOptions = { unsupported: delegated ? 'leave-to-cloud-init' : ignoreUnsupported ? 'leave-out' : 'refuse', diagnostics }

  const user = parseUserData(files.userData ?? '', { ...check, delegated, ignoreUnsupported })
  const meta = isBlank(files.metaData) ? undefined : checkDocument(metaData, asMap(readYaml('meta-data', files.metaData ?? '')), check)
  const networkConfig = isBlank(files.networkConfig)
    ? undefined
    : readNetworkFile(readYaml('network-config', files.networkConfig ?? ''), check)

  const overrides = checkOverrides(options.overrides ?? {})
  const request: DeployRequest = {
    ...settings(user.config),
    ...names(user.config, meta, overrides.hostname),
    ...sshKeys(user.config, meta, overrides.sshAuthorizedKeys),
    ...passwords(user.config, overrides.rootPassword, diagnostics),
    ...networkOf(user.config.network, networkConfig, diagnostics),
    ...(overrides.grow === true && {
      growpart: { mode: 'auto', devices: ['/'], ignore_growroot_disabled: true },
      resize_rootfs: true,
    }),
    ...(user.script && { write_files: [user.script], runcmd: [[scriptPath]] }),
    ...(meta && { meta }),
    seed: seedOf(files),
    cloud_init: options.cloudInit ?? 'keep',
  }
  return { request, diagnostics }
}

const isBlank = (text: string | undefined) => text === undefined || text.trim() === ''

/** The same with or without `network:` around it. */
function readNetworkFile(document: LocatedDocument, check: CheckOptions): NetworkConfig {
  const wrapped = isMap(document.value) && 'network' in document.value
  return wrapped ? checkDocument(networkFile, document, check).network : checkDocument(network, document, check)
}

/** What is the same in the file and in the request. */
function settings(config: CloudConfig): Partial<DeployRequest> {
  const { hostname: _h, fqdn: _f, preserve_hostname: _p, ssh_authorized_keys: _k, network: _n, password: _w, ...rest } = config
  const { ssh_pwauth, mounts, mount_default_fields, seal, ...same } = rest
  return present({
    ...same,
    ssh_pwauth: ssh_pwauth === 'unchanged' ? undefined : ssh_pwauth,
    mounts: mounts && mountRequests(mounts, mount_default_fields),
    seal: seal === true ? seal : undefined,
  })
}

/** get_hostname_fqdn() of cloud-init: a host name with a dot in it is the FQDN, and the FQDN's first label the host name. */
function names(config: CloudConfig, meta: MetaData | undefined, override: string | undefined): Partial<DeployRequest> {
  const keep = config.preserve_hostname === true
  const fqdn = override === undefined && !keep ? config.fqdn : undefined
  const given = override ?? (keep ? undefined : (config.hostname ?? (fqdn === undefined ? meta?.['local-hostname'] : undefined)))
  const full = fqdn ?? (given?.includes('.') === true ? given : undefined)
  return present({ hostname: (given ?? full)?.split('.')[0], fqdn: full })
}

function sshKeys(config: CloudConfig, meta: MetaData | undefined, override: readonly string[] = []): Partial<DeployRequest> {
  const keys = [...(config.ssh_authorized_keys ?? []), ...(meta?.['public-keys'] ?? []), ...override]
  return keys.length === 0 ? {} : { ssh_authorized_keys: [...new Set(keys)] }
}

/** As cc_set_passwords: `password` counts only where chpasswd names no account. */
function passwords(config: CloudConfig, rootPassword: PasswordRequest | undefined, diagnostics: Diagnostic[]): Partial<DeployRequest> {
  const listed = config.chpasswd?.users ?? []
  const ignored = config.password !== undefined && listed.length > 0
  if (ignored) {
    const summary = 'password is left out, as in cloud-init: chpasswd names the accounts'
    diagnostics.push({ severity: 'warning', code: 'INPUT_PASSWORD_IGNORED', summary, path: 'password' })
  }
  const password = ignored ? undefined : config.password
  if (rootPassword === undefined) return present({ password })
  const chpasswd: ChpasswdRequest = {
    // Without chpasswd in the file nobody asked for the root password to be changed at the first login.
    expire: config.chpasswd?.expire ?? false,
    users: [...listed.filter(({ name }) => name !== 'root'), { name: 'root', password: rootPassword }],
  }
  return present({ password, chpasswd })
}

function networkOf(
  inUserData: NetworkConfig | undefined,
  file: NetworkConfig | undefined,
  diagnostics: Diagnostic[],
): Partial<DeployRequest> {
  if (inUserData !== undefined && file !== undefined) {
    const summary = 'the key network of user-data is left out: there is a network-config file'
    diagnostics.push({ severity: 'warning', code: 'INPUT_NETWORK_IGNORED', summary, path: 'network' })
  }
  return present({ network: file ?? inUserData })
}

function seedOf({ userData, metaData: meta, networkConfig }: RequestFiles): SeedFiles {
  const secret = (text: string | undefined) => (text === undefined ? undefined : new Secret(text))
  return present({ userData: secret(userData), metaData: secret(meta), networkConfig: secret(networkConfig) })
}

function checkOverrides(overrides: RequestOverrides): RequestOverrides {
  const { hostname, rootPassword, sshAuthorizedKeys = [] } = overrides
  const problems: Problem[] = []
  const problem = (code: string, path: string, message: string) => problems.push({ code, file: 'command line', path, message })
  if (hostname !== undefined && !isHostname(hostname)) problem('INPUT_NAME_INVALID', 'hostname', 'is not a host name')
  for (const [index, key] of sshAuthorizedKeys.entries()) {
    if (!isSshKeyLine(key)) problem('INPUT_SSH_KEY_INVALID', `ssh key ${index + 1}`, 'is not a public key')
  }
  if (rootPassword !== undefined && rootPassword.type !== 'random') {
    const value = rootPassword.value.reveal()
    const good = rootPassword.type === 'hash' ? isPasswordHash(value) : isPlainPassword(value)
    if (!good) problem('INPUT_PASSWORD_INVALID', 'root password', 'is empty, too long, of several lines, or a malformed hash')
  }
  if (problems.length > 0) throw problemsError(problems)
  return overrides
}
