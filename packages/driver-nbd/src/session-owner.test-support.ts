// A program that opens a session, mounts, writes, and closes it, again and again, until it is killed: `node session-owner.test-support.ts DIRECTORY IMAGE
// [OPTIONS]`, the options as JSON.
import { toolPath } from '@host-deployer/driver-api'
import { driver } from './driver.ts'
import { contextIn, requestOf, run, trusted } from './session.test-support.ts'

const [, , directory = '', image = '', options] = process.argv
const context = contextIn(directory, options === undefined ? trusted : JSON.parse(options))
process.stdout.write('ready\n')
for (;;) {
  const session = await driver.open(requestOf(image), context)
  await run(session, 'mkdir', '-p', '/mnt/guest')
  await run(session, 'mount', '-o', 'nodev,nosuid,noexec', session.disks[0].device, '/mnt/guest')
  const name = toolPath(`/mnt/guest/${performance.now()}`)
  await session.toolHost.fs.createFile(name, new Uint8Array(100_000), { mode: 0o600, uid: 0, gid: 0 })
  await run(session, 'umount', '/mnt/guest')
  await session.close()
}
