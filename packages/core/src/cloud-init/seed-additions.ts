import type { DeployRequest, PasswordRequest } from '@host-deployer/api'
import { type Document, isMap, parseDocument, YAMLMap } from 'yaml'

/** cloud-config that the request says beside its seed files. */
export interface SeedAdditions {
  readonly hostname?: string
  readonly fqdn?: string
  readonly ssh_authorized_keys?: readonly string[]
  readonly chpasswd?: { readonly expire: boolean; readonly users: readonly Readonly<Record<string, string>>[] }
}

/**
 * What the request holds that its seed files do not: the command line's host name, keys and root password. Pure.
 * @param userData the parsed user-data, `{}` for what is no cloud-config
 * @param metaData the parsed meta-data
 */
export function requestAdditions(request: DeployRequest, userData: unknown, metaData: unknown): SeedAdditions {
  const config = asRecord(userData)
  const known = [config['hostname'], config['fqdn'], asRecord(metaData)['local-hostname']].flatMap((name) =>
    typeof name === 'string' ? [name, name.split('.')[0]] : [],
  )
  const { hostname, fqdn } = request
  const named = hostname !== undefined && !known.includes(hostname)
  const present = new Set([...strings(config['ssh_authorized_keys']), ...strings(asRecord(metaData)['public-keys'])])
  const keys = (request.ssh_authorized_keys ?? []).filter((key) => !present.has(key))
  const root = request.chpasswd?.users.find(({ name }) => name === 'root')
  const addRoot = root !== undefined && !rootPasswords(config).has(passwordText(root.password))
  return {
    ...(named ? { hostname, ...(fqdn === undefined ? {} : { fqdn }) } : {}),
    ...(keys.length === 0 ? {} : { ssh_authorized_keys: keys }),
    ...(addRoot ? { chpasswd: { expire: request.chpasswd?.expire ?? false, users: [userEntry(root.password)] } } : {}),
  }
}

/** Puts the additions into a cloud-config text; its comments and everything else stay. The same text when there is nothing to add. */
export function addToCloudConfig(text: string, additions: SeedAdditions): string {
  if (Object.keys(additions).length === 0) return text
  const document: Document = parseDocument(text, { version: '1.1' })
  if (isMap(document.contents)) document.contents.flow = false
  else document.contents = new YAMLMap()
  if (additions.hostname !== undefined) {
    document.set('hostname', additions.hostname)
    if (additions.fqdn === undefined) document.delete('fqdn')
    else document.set('fqdn', additions.fqdn)
  }
  if (additions.ssh_authorized_keys !== undefined) {
    document.set('ssh_authorized_keys', [...strings(asRecord(document.toJS())['ssh_authorized_keys']), ...additions.ssh_authorized_keys])
  }
  if (additions.chpasswd !== undefined) {
    const before = asRecord(asRecord(document.toJS())['chpasswd'])
    const others = Array.isArray(before['users']) ? before['users'].filter((user) => asRecord(user)['name'] !== 'root') : []
    document.set('chpasswd', {
      ...before,
      expire: before['expire'] ?? additions.chpasswd.expire,
      users: [...others, ...additions.chpasswd.users],
    })
  }
  const body = document.toString({ lineWidth: 0 })
  return body.startsWith('#cloud-config') ? body : `#cloud-config\n${body}`
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : typeof value === 'string' ? [value] : []).filter((item): item is string => typeof item === 'string')

const passwordText = (password: PasswordRequest) => (password.type === 'random' ? 'RANDOM' : password.value.reveal())

const userEntry = (password: PasswordRequest): Readonly<Record<string, string>> =>
  password.type === 'random'
    ? { name: 'root', type: 'RANDOM' }
    : { name: 'root', password: password.value.reveal(), type: password.type === 'plain' ? 'text' : 'hash' }

/** Every way in which chpasswd names a password for root. */
function rootPasswords(config: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const chpasswd = asRecord(config['chpasswd'])
  const users = Array.isArray(chpasswd['users']) ? chpasswd['users'].map(asRecord).filter(({ name }) => name === 'root') : []
  const list = chpasswd['list']
  const lines = (Array.isArray(list) ? list.map(String) : typeof list === 'string' ? list.split('\n') : []).filter((line) =>
    line.startsWith('root:'),
  )
  const texts = [
    ...users.map((user) => (user['type'] === 'RANDOM' ? 'RANDOM' : String(user['password']))),
    ...lines.map((line) => line.slice(5).trim()),
  ]
  return new Set(texts.map((text) => (text === 'R' ? 'RANDOM' : text)))
}
