// A process of its own in the machine: `session-process.mjs DIRECTORY OPTIONS close IMAGE` opens a session, activates and mounts the volume vg1/root, closes
// and says with what code; `stay IMAGE` says so once the volume is mounted, and stays; `reclaim MORE...` says the codes of a
// reclaim in that and each further directory, all at once; `probe` says whether the module is or can be loaded.
import { join } from 'node:path'
import { DeployError, type DriverSession, hostPath } from '@host-deployer/driver-api'
import { reclaim } from '@host-deployer/driver-kit'
import { driver } from '../../../packages/driver-nbd/src/driver.ts'
import { contextIn, requestOf, run } from '../../../packages/driver-nbd/src/session.test-support.ts'

const [, , directory = '', options = '', command = '', image = '', ...more] = process.argv
const context = contextIn(directory, JSON.parse(options))

async function work(): Promise<DriverSession> {
  const session = await driver.open(requestOf(image), context)
  await run(session, 'vgchange', '-q', '-a', 'y', 'vg1')
  await run(session, 'mkdir', '-p', '/mnt/guest')
  await run(session, 'mount', '-o', 'nodev,nosuid,noexec', '/dev/vg1/root', '/mnt/guest')
  await run(session, 'touch', '/mnt/guest/file')
  return session
}

const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'none',
    (error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)),
  )

if (command === 'reclaim') {
  const directories = [directory, image, ...more].filter(Boolean)
  const outcomes = await Promise.all(directories.map((one) => reclaim(hostPath(join(one, 'leases')))))
  console.log(JSON.stringify(outcomes.map((outcome) => outcome.map(({ code }) => code))))
} else if (command === 'probe') {
  const { findings } = await driver.probe(context)
  console.log(JSON.stringify(findings.find(({ subject }) => subject === 'nbd-module')?.ok))
} else if (command === 'close') {
  console.log(await codeOf(work().then((session) => session.close())))
} else {
  console.log(await codeOf(work()))
  setInterval(() => {}, 60_000)
}
