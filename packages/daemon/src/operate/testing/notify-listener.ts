import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

// Node has no datagram sockets of the unix kind. systemd-notify sends a descriptor after each message and waits until it is closed.
const LISTEN = `
import socket, sys, json, os
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    data, fds, flags, address = socket.recv_fds(s, 65536, 8)
    for fd in fds: os.close(fd)
    print(json.dumps(data.decode()), flush=True)
`

/** Stands for systemd: takes what is sent to `NOTIFY_SOCKET`. */
export interface NotifyListener {
  /** The next message that says something. */
  next(): Promise<string>
  close(): Promise<void>
}

export async function listenForNotifications(path: string): Promise<NotifyListener> {
  const child = spawn('python3', ['-c', LISTEN, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new TypeError('nobody listens any more')
    return value
  }
  if ((await line()) !== 'bound') throw new TypeError('the socket was not bound')
  const next = async (): Promise<string> => {
    const message = JSON.parse(await line()) as string
    return message.startsWith('BARRIER=') ? next() : message.trim()
  }
  return {
    next,
    async close() {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}
