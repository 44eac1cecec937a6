import { randomBytes } from 'node:crypto'
import { type ParsedRequest, parseRequest, type RequestFiles } from '@host-deployer/api'
import { type Deployed, deploy as deployGuest, type Phases } from '@host-deployer/core'
import { type ImageOptions, resolveImage, startPhases } from './image-options.ts'

export interface DeployImageOptions extends ImageOptions {
  /** The texts of a NoCloud seed, or a request parsed with more say by `parseRequest` of `@host-deployer/api`. */
  readonly request: RequestFiles | ParsedRequest
  /** Stop after the diff; the image stays byte for byte as it is. */
  readonly dryRun?: boolean
}

/** Makes the guest in an image what the request says. Rejects with `DeployError`. See `deploy` of `@host-deployer/core`. */
export async function deploy(path: string, options: DeployImageOptions): Promise<Deployed> {
  const phases = startPhases(options)
  const { request, diagnostics } = await parsed(options.request, phases)
  return deployGuest({
    ...(await resolveImage(path, options, phases)),
    request,
    requestDiagnostics: diagnostics,
    dryRun: options.dryRun === true,
    ambient: { now: new Date(), randomBytes: (count) => randomBytes(count) },
  })
}

async function parsed(request: RequestFiles | ParsedRequest, phases: Phases): Promise<ParsedRequest> {
  return 'request' in request ? request : phases.run('parse', async () => parseRequest(request))
}
