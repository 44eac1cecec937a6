import { InputError } from '@host-deployer/driver-api'
import { type CheckOptions, checkDocument } from './check-document.ts'
import { type Problem, problemDiagnostic, problemsError } from './problem.ts'
import { type LocatedDocument, readYaml } from './read-yaml.ts'
import type { WriteFileRequest } from './request.ts'
import { type CloudConfig, cloudConfig } from './schema/cloud-config.ts'
import { userDataKind } from './user-data-kind.ts'

/** Where a user-data script is put; it runs from there once. */
export const scriptPath = '/var/lib/host-deployer/scripts/user-data'

export interface ParseUserDataOptions extends CheckOptions {
  /** The cloud-init inside the image carries out what it says: kinds that only cloud-init reads are findings, keys of our own are not supported. */
  readonly delegated: boolean
  readonly ignoreUnsupported: boolean
}

/** user-data as cloud-config, or as a script. Throws `InputError` as `parseRequest` says. */
export function parseUserData(
  text: string,
  options: ParseUserDataOptions,
): { readonly config: CloudConfig; readonly script?: WriteFileRequest } {
  const kind = userDataKind(text)
  if (kind.kind === 'unsupported') {
    if (options.delegated && kind.cloudInitReads) {
      const summary = `left to cloud-init: user-data is ${kind.name}`
      options.diagnostics.push({ severity: 'info', code: 'INPUT_USER_DATA_KIND_UNSUPPORTED', summary })
      return { config: {} }
    }
    throw new InputError('INPUT_USER_DATA_KIND_UNSUPPORTED', `user-data: is ${kind.name}, which is not supported`, {
      hint: 'Start the file with "#cloud-config" on its first line, or with "#!" for a script.',
      context: { file: 'user-data', kind: kind.name },
    })
  }
  if (kind.kind === 'script') {
    const content = new TextEncoder().encode(text.replace(/^\ufeff/, '').trimStart())
    return { config: {}, script: { path: scriptPath, content, owner: 'root:root', permissions: 0o700, append: false, defer: false } }
  }
  if (kind.kind === 'empty') return { config: {} }
  const document = asMap(readYaml('user-data', text.replace(/^\ufeff/, '')))
  renameUserKeys(document.value)
  warnOfDecimalModes(document, options)
  const config = checkDocument(cloudConfig, document, options)
  return { config: options.delegated ? withoutOwnKeys(config, document, options) : config }
}

/** A file of comments alone is an empty map. */
export const asMap = (document: LocatedDocument): LocatedDocument => (document.value === null ? { ...document, value: {} } : document)

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Inside `users` cloud-init takes `lock-passwd` for `lock_passwd`, and so with every key. */
function renameUserKeys(document: unknown): void {
  if (!isMap(document) || typeof document['users'] !== 'object' || document['users'] === null) return
  for (const user of Object.values(document['users'])) {
    if (!isMap(user)) continue
    for (const [key, value] of Object.entries(user)) {
      const name = key.replaceAll('-', '_')
      if (name === key || name in user) continue
      user[name] = value
      delete user[key]
    }
  }
}

/** `permissions: 644` is a decimal number in YAML and not the mode it looks like; cloud-init takes it as it is, and so do we. */
function warnOfDecimalModes({ value, file, locate }: LocatedDocument, { diagnostics }: CheckOptions): void {
  if (!isMap(value) || !Array.isArray(value['write_files'])) return
  for (const [index, item] of value['write_files'].entries()) {
    const mode: unknown = isMap(item) ? item['permissions'] : undefined
    if (typeof mode !== 'number' || !/^[0-7]+$/.test(String(mode))) continue
    const line = locate(['write_files', index, 'permissions'])?.line
    diagnostics.push({
      severity: 'warning',
      code: 'INPUT_PERMISSIONS_DECIMAL',
      summary: `${file}:${line ?? 1}: ${mode} is a decimal number and means the mode 0${mode.toString(8)}; quote octal modes`,
      path: `write_files[${index}].permissions`,
    })
  }
}

/** Keys that cloud-init does not have: a cloud-init that carries out the request would do nothing about them. `seal` is done before it runs. */
function withoutOwnKeys(config: CloudConfig, { file, locate }: LocatedDocument, options: ParseUserDataOptions): CloudConfig {
  const problems: Problem[] = []
  const problem = (path: string, at: readonly PropertyKey[]) => {
    const message = 'not a key of cloud-init, which is to carry out the request'
    problems.push({ code: 'INPUT_KEY_UNSUPPORTED', file, path, ...locate(at), message })
  }
  for (const key of ['login_account', 'selinux'] as const) if (config[key] !== undefined) problem(key, [key])
  for (const [index, user] of (config.users ?? []).entries()) {
    if (!('name' in user) || user.ssh_authorized_keys_only === undefined) continue
    problem(`users[${index}].ssh_authorized_keys_only`, ['users', index, 'ssh_authorized_keys_only'])
  }
  if (problems.length > 0 && !options.ignoreUnsupported) throw problemsError(problems)
  options.diagnostics.push(...problems.map((found) => problemDiagnostic(found, 'leave-out')))
  const { login_account: _l, selinux: _s, ...rest } = config
  return rest
}
