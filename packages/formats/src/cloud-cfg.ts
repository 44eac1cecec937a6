import { generatedHeader } from './generated-header.ts'
import { parseYaml, renderYaml } from './yaml-file.ts'

/** What we read of `/etc/cloud/cloud.cfg` and the files in `cloud.cfg.d`. */
export interface CloudCfg {
  /** `undefined` when the file does not say: then the list of the files before it, at last cloud-init's own, holds. */
  readonly datasourceList: readonly string[] | undefined
  readonly preserveHostname: boolean | undefined
  readonly manageEtcHosts: boolean | string | undefined
  /** `network: {config: disabled}`. */
  readonly networkDisabled: boolean
  /** All keys as plain data. */
  readonly values: Readonly<Record<string, unknown>>
}

function flag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

/** Reads one file; `undefined` when it is not YAML or no mapping. cloud-init ignores such a file, too. The empty text is the empty mapping. */
export function parseCloudCfg(text: string): CloudCfg | undefined {
  const result = parseYaml(text)
  if (!result.ok) return undefined
  const values = result.value ?? {}
  if (typeof values !== 'object' || Array.isArray(values)) return undefined
  const map = values as Readonly<Record<string, unknown>>
  const list = map['datasource_list']
  const network = map['network']
  const hosts = map['manage_etc_hosts']
  return {
    datasourceList: Array.isArray(list) ? list.map(String) : typeof list === 'string' ? [list] : undefined,
    preserveHostname: flag(map['preserve_hostname']),
    manageEtcHosts: typeof hosts === 'string' ? hosts : flag(hosts),
    networkDisabled: typeof network === 'object' && network !== null && 'config' in network && network.config === 'disabled',
    values: map,
  }
}

/** Renders a drop-in for `/etc/cloud/cloud.cfg.d`: `renderCloudCfg({ network: { config: 'disabled' } })`. Keys keep their order. */
export function renderCloudCfg(values: Readonly<Record<string, unknown>>): string {
  return renderYaml(values, generatedHeader('#'))
}
