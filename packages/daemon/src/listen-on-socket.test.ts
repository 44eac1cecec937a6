import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenOnSocket } from './listen-on-socket.ts'

let directory: string
const servers: Server[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hd-sock-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(directory, { recursive: true })
})

const at = (name: string) => hostPath(join(directory, name))
const server = () => {
  const made = createServer()
  servers.push(made)
  return made
}

test('the socket is made with its directory, for owner and group only', async () => {
  await listenOnSocket(server(), { path: at('a/b/x.sock') })
  const { mode } = await stat(at('a/b/x.sock'))
  expect(mode & 0o7777).toBe(0o660)
})

test('a group is taken by number and by name', async () => {
  const gid = process.getgid?.() ?? 0
  await listenOnSocket(server(), { path: at('x.sock'), group: String(gid) })
  expect((await stat(at('x.sock'))).gid).toBe(gid)
  await expect(listenOnSocket(server(), { path: at('y.sock'), group: 'no-such-group' })).rejects.toMatchObject({
    code: 'CONFIG_SOCKET_GROUP',
  })
})

test('one that somebody serves is left alone', async () => {
  await listenOnSocket(server(), { path: at('x.sock') })
  const before = await stat(at('x.sock'))
  await expect(listenOnSocket(server(), { path: at('x.sock') })).rejects.toMatchObject({ code: 'DAEMON_SOCKET_IN_USE' })
  expect((await stat(at('x.sock'))).ino).toBe(before.ino)
})

test('one that a killed process left is replaced', async () => {
  await writeFile(
    at('serve.mjs'),
    `import { createServer } from 'node:net'\ncreateServer().listen(process.argv[2], () => process.send('up'))\n`,
  )
  const child = fork(at('serve.mjs'), [at('x.sock')], { execArgv: [] })
  await once(child, 'message')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect((await stat(at('x.sock'))).isSocket()).toBe(true)
  await listenOnSocket(server(), { path: at('x.sock') })
})

test('what is no socket stays as it is', async () => {
  await writeFile(at('file'), 'mine')
  await symlink(at('file'), at('link'))
  for (const name of ['file', 'link'])
    await expect(listenOnSocket(server(), { path: at(name) })).rejects.toMatchObject({ code: 'DAEMON_SOCKET_UNUSABLE' })
  await expect(listenOnSocket(server(), { path: at('x'.repeat(200)) })).rejects.toMatchObject({ code: 'DAEMON_SOCKET_UNUSABLE' })
})
