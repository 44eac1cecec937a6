import { join } from 'node:path'
import {
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { type ForeignClient, foreignClient, protoDirectory, rpcFailure } from './foreign-client.ts'

type Stub = (
  params: object,
  options: { readonly deadline?: number },
  done: (error: ServiceError | null, reply: Record<string, unknown>) => void,
) => void

/** grpc-js, as anybody uses it who has the proto file: stubs of its own loader, no options. */
export function startGrpcJsClient(socketPath: string): ForeignClient {
  const loaded = loadPackageDefinition(loadSync(join(protoDirectory, 'deploy.proto'), { keepCase: true, defaults: true, arrays: true }))
  const { DeployAgent } = loaded['apis'] as GrpcObject & { readonly DeployAgent: ServiceClientConstructor }
  const client = new DeployAgent(`unix:${socketPath}`, credentials.createInsecure())
  return foreignClient(
    (rpc, params, timeoutS) =>
      new Promise((resolve) => {
        const options = timeoutS === undefined ? {} : { deadline: Date.now() + timeoutS * 1000 }
        const stub = client[rpc] as Stub
        stub.call(client, params, options, (error, reply) => {
          if (error === null) return resolve({ reply })
          const [details] = error.metadata.get('grpc-status-details-bin')
          resolve(rpcFailure(status[error.code], error.details, details instanceof Uint8Array ? details : new Uint8Array()))
        })
      }),
    async () => client.close(),
  )
}
