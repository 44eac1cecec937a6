import { parseCloudCfg } from '@host-deployer/formats'
import { type Evidence, plainText } from './evidence.ts'
import type { GuestFacts } from './facts.ts'

const maxDropIns = 64

/** Whether cloud-init is there and what it is told: `cloud.cfg`, then `cloud.cfg.d/*.cfg` in the order of their names; the last to speak wins. */
export async function detectCloudInit(evidence: Evidence): Promise<GuestFacts['cloudInit']> {
  const [installed, disabled, names] = await Promise.all([
    evidence.hasAny('/usr/bin/cloud-init', '/usr/local/bin/cloud-init'),
    evidence.has('/etc/cloud/cloud-init.disabled'),
    evidence.names('/etc/cloud/cloud.cfg.d'),
  ])
  const dropIns = names.filter((name) => name.endsWith('.cfg')).sort()
  const paths = ['/etc/cloud/cloud.cfg', ...dropIns.slice(0, maxDropIns).map((name) => `/etc/cloud/cloud.cfg.d/${name}`)]
  const files = (await Promise.all(paths.map(evidence.text))).flatMap((text) => (text === null ? [] : (parseCloudCfg(text) ?? [])))
  const datasources = files.findLast(({ datasourceList }) => datasourceList !== undefined)?.datasourceList ?? null
  const defaultUser = files.map(({ values }) => defaultUserName(values)).findLast((name) => name !== null) ?? null
  return {
    installed,
    disabled,
    datasources: datasources === null ? null : datasources.slice(0, 64).map(plainText),
    defaultUser,
  }
}

function defaultUserName(values: Readonly<Record<string, unknown>>): string | null {
  const field = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
  const name = field(field(field(values, 'system_info'), 'default_user'), 'name')
  return typeof name === 'string' ? plainText(name) || null : null
}
