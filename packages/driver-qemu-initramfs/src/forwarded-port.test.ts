import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { findForwardedPort, parseLoopbackListeners } from './forwarded-port.ts'

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:ABBB 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1879048200        0 1261487 1 0000000043cf07a3 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0000000043cf07a3 100 0 0 10 0
   2: 0100007F:C350 0100007F:ABBB 01 00000000:00000000 00:00000000 00000000     0        0 5678 1 0000000043cf07a3 100 0 0 10 0
`

test('only what listens on 127.0.0.1', () => {
  expect(parseLoopbackListeners(table)).toEqual([{ port: 0xabbb, uid: 1_879_048_200, inode: '1261487' }])
  expect(parseLoopbackListeners('')).toEqual([])
})

test('a listening socket is found by the process that has it, and gone when it is closed', async () => {
  // A process of its own: other tests in ours may listen as well.
  const program = `const server = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.once('data', () => server.close(() => console.log('closed')))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const says = async (): Promise<string> => String((await once(child.stdout, 'data'))[0]).trim()
  const own = { pid: child.pid ?? 0, uid: undefined }
  try {
    const port = Number(await says())
    expect(await findForwardedPort(own)).toMatchObject({ port })
    child.stdin.write('close\n')
    expect(await says()).toBe('closed')
    expect(await findForwardedPort(own)).toBeUndefined()
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
})
