import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverSession } from '@host-deployer/driver-api'
import { bed, codeOf, host, image, openImage, residue } from './machine-bed.ts'
import type { MachineResults } from './machine-report.ts'

const client = '/usr/sbin/nbd-client'
const genuine = `${client}.genuine`

/** Has something else called nbd-client meanwhile. */
async function withClient<T>(script: string, action: () => Promise<T>): Promise<T> {
  await rename(client, genuine)
  try {
    await writeFile(client, `#!/bin/sh\n${script}\n`)
    await chmod(client, 0o755)
    return await action()
  } finally {
    await rename(genuine, client)
  }
}

export async function clients(): Promise<MachineResults['clients']> {
  const path = await image('clients.raw')
  const failing = await withClient('echo "not today" >&2; exit 1', () => codeOf(openImage(path).then((session) => session.close())))
  // Somebody else's process attaches the very device, once.
  const taken = join(bed.directory, 'taken')
  const lose = `[ -e ${taken} ] || { ${genuine} "$@" && echo "$3" >${taken}; }; exec ${genuine} "$@"`
  let session: DriverSession | undefined
  const open = await withClient(lose, () =>
    codeOf(
      openImage(path).then((opened) => {
        session = opened
      }),
    ),
  )
  const device = (await readFile(taken, 'utf8')).trim()
  host(client, '-d', device)
  await rm(taken)
  const another = session !== undefined && String(session.disks[0].device) !== device
  const close = session === undefined ? 'never opened' : await codeOf(session.close())
  return { failing, losing: { open, another, close }, residue: await residue([]) }
}
