import * as z from 'zod'
import { keyed } from './keyed.ts'
import { networkV1 } from './network-v1.ts'
import { networkV2 } from './network-v2.ts'

const disabled = keyed({ config: z.literal('disabled') }).transform(() => ({ version: 0 as const }))

/** What stands under `network`. The version tells which format it is; without one it can only be `config: disabled`. */
export const network = z.union([z.discriminatedUnion('version', [networkV1, networkV2]), disabled])

/** A network-config file in the form of a cloud-config. */
export const networkFile = keyed({ network })
