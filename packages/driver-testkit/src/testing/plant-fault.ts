import type { Driver, DriverContext, DriverSession, OpenRequest, RawFs, ToolHost } from '@host-deployer/driver-api'
import { driver as reference } from './reference-driver.ts'

/** Where the reference driver is spoilt. Each returns what takes the place of what it is given. */
export interface Fault {
  /** What is spoilt. Default: the reference driver. */
  readonly driver?: Driver<object>
  readonly probe?: Driver['probe']
  readonly request?: (request: OpenRequest) => OpenRequest | Promise<OpenRequest>
  readonly context?: (context: DriverContext<object>) => DriverContext<object>
  readonly session?: (session: DriverSession, context: DriverContext<object>) => DriverSession | Promise<DriverSession>
  readonly exec?: (exec: ToolHost['exec']) => ToolHost['exec']
  readonly fs?: (fs: RawFs) => Partial<RawFs>
  /** The error `open` rejects with. */
  readonly error?: (error: unknown, request: OpenRequest, context: DriverContext<object>) => unknown
}

/** The reference driver with one fault. */
export function plantFault({ driver = reference, probe = driver.probe, ...fault }: Fault): Driver<object> {
  return {
    ...driver,
    probe,
    async open(request, context) {
      let session: DriverSession
      try {
        session = await driver.open((await fault.request?.(request)) ?? request, fault.context?.(context) ?? context)
      } catch (error) {
        throw (await fault.error?.(error, request, context)) ?? error
      }
      const { exec, fs } = session.toolHost
      const toolHost = { exec: fault.exec?.(exec) ?? exec, fs: { ...fs, ...fault.fs?.(fs) } }
      const spoilt = { ...session, toolHost }
      return (await fault.session?.(spoilt, context)) ?? spoilt
    },
  }
}

/** Other accesses than those asked for. */
export const withAccess =
  (from: OpenRequest['disks'][0]['access'], to: OpenRequest['disks'][0]['access']) =>
  ({ disks: [first, ...rest] }: OpenRequest): OpenRequest => {
    const change = (disk: OpenRequest['disks'][0]) => (disk.access === from ? { ...disk, access: to } : disk)
    return { disks: [change(first), ...rest.map(change)] }
  }
