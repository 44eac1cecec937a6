import type { NetworkConfig } from '@host-deployer/api'
import { networkFromV1 } from './from-v1.ts'
import { networkFromV2 } from './from-v2.ts'
import { type NetworkModel, plainName } from './model.ts'
import { networkInputError } from './validate.ts'

/**
 * The network a request asks for, whichever version it is written in; `undefined` for `network: {config: disabled}`.
 * `INPUT_NETWORK_*` with the key in the error's context: `ADDRESS ROUTE MAC NAME MTU DNS DUPLICATE UNSUPPORTED EMPTY`.
 * A configuration without any interface is the last: written, it would take away all that the image has.
 */
export function networkFromRequest(config: NetworkConfig): NetworkModel | undefined {
  if (config.version === 0) return undefined
  if (config.version === 2) {
    for (const key of ['bonds', 'vlans', 'bridges'] as const) {
      if (config[key] === undefined) continue
      throw networkInputError(
        'INPUT_NETWORK_UNSUPPORTED',
        `network.${key}`,
        'not supported yet',
        'Use ethernets, or --cloud-init delegate.',
      )
    }
  }
  const model = config.version === 1 ? networkFromV1(config.config) : networkFromV2(config.ethernets)
  rejectDuplicates(model)
  if (model.nics.length > 0) return model
  const hint = 'Name an interface, or write "network: {config: disabled}" to leave the image its own configuration.'
  throw networkInputError('INPUT_NETWORK_EMPTY', 'network', 'no interface is left to configure', hint)
}

/** Two entries for one interface: managers differ in which one they would follow. */
function rejectDuplicates({ nics }: NetworkModel): void {
  const taken = new Map<string, string>()
  const claim = (kind: string, value: string | undefined, id: string) => {
    if (value === undefined) return
    const other = taken.get(`${kind} ${value}`)
    if (other !== undefined) {
      const hint = 'Put everything about an interface into one entry.'
      throw networkInputError('INPUT_NETWORK_DUPLICATE', `network.${id}`, `${kind} ${value} is that of ${other}, too`, hint)
    }
    taken.set(`${kind} ${value}`, id)
  }
  for (const nic of nics) {
    claim('id', nic.id, nic.id)
    claim('MAC address', nic.match.mac, nic.id)
    claim('name', plainName(nic), nic.id)
    for (const { address } of nic.addresses) claim('address', address, nic.id)
  }
}
