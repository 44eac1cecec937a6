import { once } from 'node:events'
import { listLeases } from '@host-deployer/driver-kit'
import { run, sessionIds } from '../../../packages/driver-nbd/src/session.test-support.ts'
import { bed, freeImage, host, image, openImage, residue } from './machine-bed.ts'
import { reclaimCodes, startProcess } from './machine-process.ts'
import type { MachineResults } from './machine-report.ts'

/** Sessions that close, and that are killed, with a logical volume that is active and mounted. */
export async function volumes(): Promise<MachineResults['volumes']> {
  const found: MachineResults['volumes'][number][] = []
  for (const numbers of ['machine', 'own'] as const) {
    const path = await image(`volume-${numbers}.raw`)
    {
      await using session = await openImage(path)
      await run(session, 'vgcreate', '-q', 'vg1', session.disks[0].device)
      await run(session, 'lvcreate', '-q', '-y', '-n', 'root', '-L', '16M', 'vg1')
      await run(session, 'mkfs.ext4', '-q', '/dev/vg1/root')
    }
    const closing = await startProcess(numbers, bed.directory, 'close', path)
    if (closing.process.exitCode === null) await once(closing.process, 'exit')
    const afterClose = await residue(await sessionIds(bed))
    const { process: owner, word } = await startProcess(numbers, bed.directory, 'stay', path)
    const ids = await sessionIds(bed)
    const leases = (await listLeases(bed.leaseDirectory)).map(({ record }) => record?.lease)
    const through = String(leases.find((lease) => lease?.kind === 'nbd-device')?.details['through'] ?? 'ioctl')
    owner.kill('SIGKILL')
    if (owner.exitCode === null && owner.signalCode === null) await once(owner, 'exit')
    const outlives = host('dmsetup', 'ls').includes('vg1-root')
    const codes = [...new Set((await reclaimCodes(numbers, [bed.directory])).flat())]
    found.push({
      numbers,
      close: closing.word,
      afterClose,
      open: word,
      through,
      outlives,
      codes,
      residue: await residue(ids),
      free: await freeImage(path),
    })
    host('dmsetup', 'remove_all')
  }
  return found
}
