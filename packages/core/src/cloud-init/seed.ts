import { createHash } from 'node:crypto'
import { type DeployRequest, userDataKind } from '@host-deployer/api'
import { InputError } from '@host-deployer/driver-api'
import { type Document, isMap, parseDocument, stringify } from 'yaml'
import { addToCloudConfig, requestAdditions } from './seed-additions.ts'

// The dialect of cloud-init's parser.
const yaml = { version: '1.1' } as const

/** A NoCloud seed, complete: cloud-init takes one only with both user-data and meta-data. */
export interface NoCloudSeed {
  readonly userData: string
  readonly metaData: string
  readonly networkConfig: string | undefined
  /** What the request says beside a user-data that is no cloud-config. */
  readonly vendorData: string | undefined
  /** user-data may say something else than vendor-data, and would win. */
  readonly vendorDataMayLose: boolean
}

/**
 * The seed of a delegated deploy: the files as they came, with what the request says beside them (the command line's host name, keys, root password). The key
 * `network` of user-data, which cloud-init does not read there, becomes network-config where there is none. An `instance-id` that is missing is made from the content: the same request gives the same seed, and another one makes cloud-init run anew.
 * `INPUT_META_DATA` for meta-data that is not a mapping.
 */
export function noCloudSeed(request: DeployRequest): NoCloudSeed {
  const meta = metaDocument(request.seed.metaData?.reveal() ?? '')
  const given = request.seed.userData?.reveal()
  const config = given === undefined || given.trim() === '' ? '#cloud-config\n{}\n' : given
  const { kind } = userDataKind(config)
  const isConfig = kind === 'cloud-config'
  const parsed: unknown = isConfig ? parseDocument(config, yaml).toJS() : {}
  const additions = requestAdditions(request, parsed, meta.toJS())
  const userData = isConfig ? addToCloudConfig(config, additions) : config
  const vendorData = isConfig || Object.keys(additions).length === 0 ? undefined : `#cloud-config\n${stringify(additions, yaml)}`
  const networkConfig = request.seed.networkConfig?.reveal() ?? networkInUserData(parsed)

  const content = [userData, request.seed.metaData?.reveal() ?? '', networkConfig, vendorData]
  const metaData = withInstanceId(meta, request, content)
  return { userData, metaData, networkConfig, vendorData, vendorDataMayLose: vendorData !== undefined && kind !== 'script' }
}

function networkInUserData(config: unknown): string | undefined {
  const network: unknown = typeof config === 'object' && config !== null && 'network' in config ? config.network : undefined
  return network === undefined || network === null ? undefined : stringify(network, { ...yaml, lineWidth: 0 })
}

function metaDocument(text: string): Document {
  const document = parseDocument(text, yaml)
  if (document.errors.length === 0 && (document.contents === null || isMap(document.contents))) return document
  throw new InputError('INPUT_META_DATA', 'meta-data is not a YAML mapping', {
    hint: 'Write it as "key: value" lines, local-hostname for instance.',
    context: { path: 'meta-data' },
    cause: document.errors[0],
  })
}

function withInstanceId(meta: Document, { seed }: DeployRequest, content: readonly (string | undefined)[]): string {
  if (isMap(meta.contents) && meta.contents.has('instance-id')) return seed.metaData?.reveal() ?? ''
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  meta.set('instance-id', `iid-host-deployer-${digest.slice(0, 16)}`)
  return meta.toString({ lineWidth: 0 })
}
