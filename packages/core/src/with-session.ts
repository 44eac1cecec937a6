import type { DiskAccess, Driver, DriverContext, DriverSession } from '@host-deployer/driver-api'
import { holding } from './holding.ts'
import type { ImageSource } from './image-source.ts'
import { interruptibleToolHost } from './interruptible-tool-host.ts'
import { keepTraces } from './keep-traces.ts'
import type { Phases } from './phases.ts'

export interface SessionTarget<Options> {
  readonly driver: Driver<Options>
  readonly context: DriverContext<Options>
  readonly image: ImageSource
  /** Milliseconds by phase of what the caller did before, reading the request for instance; goes into the report. */
  readonly timingsBefore?: Readonly<Record<string, number>> | undefined
}

/** What work in a session needs of it. */
export type WorkSession = Pick<DriverSession, 'capabilities' | 'disks' | 'toolHost' | 'info' | 'diagnostics' | 'close'>

/**
 * Attaches the image and hands the session to the work, which closes it when all went well; closes it whatever happens. The context's signal ends the
 * programs that run in it, but for those of a commit and of what follows one.
 */
export async function withSession<Options, T>(
  { driver, context, image }: SessionTarget<Options>,
  access: DiskAccess,
  phases: Phases,
  work: (session: WorkSession) => Promise<T>,
): Promise<T> {
  const opened = await phases.run('open', () => driver.open({ disks: [{ id: 'disk0', chain: image.chain, access }] }, context))
  const session: WorkSession = {
    capabilities: opened.capabilities,
    disks: opened.disks,
    toolHost: interruptibleToolHost(opened.toolHost, () => phases.signal),
    get info() {
      return opened.info
    },
    get diagnostics() {
      return opened.diagnostics
    },
    close: () => opened.close(),
  }
  return holding(opened, () => (context.keepOnFailure === true ? keepTraces(opened, () => work(session)) : work(session)))
}
