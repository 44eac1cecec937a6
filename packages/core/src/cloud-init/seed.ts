import { createHash } from 'node:crypto'
import type { DeployRequest } from '@host-deployer/api'
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
  /** What the request says beside a user-data that is a script. */
  readonly vendorData: string | undefined
}

/**
 * The seed of a delegated deploy: the files as they came, with what the request says beside them (the command line's host name, keys, root password). An
 * `instance-id` that is missing is made from the content: the same request gives the same seed, and another one makes cloud-init run anew.
 * `INPUT_META_DATA` for meta-data that is not a mapping.
 */
export function noCloudSeed(request: DeployRequest): NoCloudSeed {
  const meta = metaDocument(request.seed.metaData?.reveal() ?? '')
  const given = request.seed.userData?.reveal()
  const config = given === undefined || given.trim() === '' ? '#cloud-config\n{}\n' : given
  const isConfig = /^\ufeff?\s*#cloud-config\b/.test(config)
  const additions = requestAdditions(request, isConfig ? parseDocument(config, yaml).toJS() : {}, meta.toJS())
  const userData = isConfig ? addToCloudConfig(config, additions) : config
  const vendorData = isConfig || Object.keys(additions).length === 0 ? undefined : `#cloud-config\n${stringify(additions, yaml)}`
  const networkConfig = request.seed.networkConfig?.reveal()

  const content = [userData, request.seed.metaData?.reveal() ?? '', networkConfig, vendorData]
  return { userData, metaData: withInstanceId(meta, request, content), networkConfig, vendorData }
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
