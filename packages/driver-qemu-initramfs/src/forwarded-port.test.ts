import { createServer } from 'node:net'
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
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const own = { pid: process.pid, uid: undefined }
  // Another test in this process may listen as well.
  expect(await findForwardedPort(own)).toMatchObject({ port })
  await new Promise((resolve) => server.close(resolve))
  expect((await findForwardedPort(own))?.port).not.toBe(port)
})
