import { readdir, readFile, readlink } from 'node:fs/promises'

/** The socket QEMU listens on for us. */
export interface ForwardedPort {
  readonly port: number
  /** Names the socket as long as it exists. */
  readonly inode: string
}

export interface TcpRow {
  readonly port: number
  readonly uid: number
  readonly inode: string
}

const LOOPBACK = '0100007F'
const LISTEN = '0A'

/** The sockets that listen on 127.0.0.1, out of `/proc/net/tcp`; see proc_net_tcp.rst of the kernel. Little-endian machines only. */
export function parseLoopbackListeners(table: string): TcpRow[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , uid, , inode = ''] = line.trim().split(/\s+/)
    const [address, port = ''] = local.split(':')
    if (address !== LOOPBACK || state !== LISTEN) return []
    return [{ port: Number.parseInt(port, 16), uid: Number(uid), inode }]
  })
}

async function socketsOf(pid: number): Promise<Set<string>> {
  const directory = `/proc/${pid}/fd`
  const links = await Promise.all((await readdir(directory)).map((fd) => readlink(`${directory}/${fd}`).catch(() => '')))
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}

/**
 * Which port of 127.0.0.1 the kernel gave QEMU, found among the sockets of that very process: by its user id where it has one of its own (a container
 * may not let us look at another user's descriptors), else by its descriptors. `undefined`: it listens nowhere.
 */
export async function findForwardedPort(qemu: {
  readonly pid: number
  readonly uid: number | undefined
}): Promise<ForwardedPort | undefined> {
  const listeners = parseLoopbackListeners(await readFile('/proc/self/net/tcp', 'latin1'))
  if (qemu.uid !== undefined) return listeners.find(({ uid }) => uid === qemu.uid)
  const own = await socketsOf(qemu.pid)
  return listeners.find(({ inode }) => own.has(inode))
}
