import { randomBytes } from 'node:crypto'
import { type ParsedRequest, parseRequest, type RequestFiles } from '@host-deployer/api'
import { type Deployed, deploy as deployGuest } from '@host-deployer/core'
import { directories } from './directories.ts'
import { freeOrphans } from './free-orphans.ts'
import { clock, given, type ImageOptions, inspect } from './image-options.ts'
import { openDriver } from './open-driver.ts'

export interface DeployImageOptions extends ImageOptions {
  /** The texts of a NoCloud seed, or a request parsed with more say by `parseRequest` of `@host-deployer/api`. */
  readonly request: RequestFiles | ParsedRequest
  /** Stop after the diff; the image stays byte for byte as it is. */
  readonly dryRun?: boolean
}

/** Makes the guest in an image what the request says. Rejects with `DeployError`. See `deploy` of `@host-deployer/core`. */
export async function deploy(path: string, options: DeployImageOptions): Promise<Deployed> {
  const { request, diagnostics } = 'request' in options.request ? options.request : parseRequest(options.request)
  const image = await inspect(path, options)
  const { driver, context } = await openDriver(options, options)
  await freeOrphans(directories(process.env).state, context.logger)
  return deployGuest({
    driver,
    context,
    image,
    request,
    requestDiagnostics: diagnostics,
    dryRun: options.dryRun === true,
    ambient: { now: new Date(), randomBytes: (count) => randomBytes(count) },
    clock,
    ...given(options),
  })
}
