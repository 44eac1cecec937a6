import { fileURLToPath } from 'node:url'
import { loadSync, type MessageTypeDefinition, type PackageDefinition, type ServiceDefinition } from '@grpc/proto-loader'

// Beside src and dist alike; this module therefore stays at the top of src.
const protoFile = (name: string) => fileURLToPath(new URL(`../proto/${name}.proto`, import.meta.url))

/** How a message looks in JavaScript: names as on the wire, every field there, absent messages null, 64-bit numbers as doubles. */
const shape = { keepCase: true, longs: Number, defaults: true, arrays: true } as const

let deployPackage: PackageDefinition | undefined
let detailsPackage: PackageDefinition | undefined

/** `deploy.proto`, for reflection. Read once. */
export function loadDeployProto(): PackageDefinition {
  deployPackage ??= loadSync(protoFile('deploy'), shape)
  return deployPackage
}

/** The service `apis.DeployAgent`. */
export function deployService(): ServiceDefinition {
  return loadDeployProto()['apis.DeployAgent'] as ServiceDefinition
}

/** A message of `error-details.proto`: `Status`, `ErrorInfo`. */
export function detailsMessage(name: 'Status' | 'ErrorInfo'): MessageTypeDefinition<object, object> {
  detailsPackage ??= loadSync(protoFile('error-details'), shape)
  return detailsPackage[`google.rpc.${name}`] as MessageTypeDefinition<object, object>
}
