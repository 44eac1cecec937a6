import { reclaim } from '@host-deployer/driver-kit'
import { sessionIds } from '../../../packages/driver-nbd/src/session.test-support.ts'
import { bed, codeOf, freeImage, host, image, openImage, residue } from './machine-bed.ts'
import type { MachineResults } from './machine-report.ts'

const array = '/dev/md127'

/** The machine makes an array of a session's disk, as udev rules of its would assemble one: of that alone, then together with a disk of its own. */
export async function arrays(): Promise<MachineResults['arrays']> {
  host('modprobe', '-a', 'md_mod', 'raid1')
  const ids: string[] = []
  const closeUnder = async (path: string, other: string): Promise<string> => {
    const session = await openImage(path)
    ids.push(...(await sessionIds(bed)))
    host('mdadm', '--create', array, '--run', '--level=1', '--raid-devices=2', '--metadata=1.2', session.disks[0].device, other)
    return codeOf(session.close())
  }
  const ofGuest = await image('of-guest.raw')
  const alone = { close: await closeUnder(ofGuest, 'missing'), residue: await residue(ids), free: await freeImage(ofGuest) }

  const loop = host('losetup', '--find', '--show', await image('of-machine.raw'))
  host('dmsetup', 'create', 'machine', '--table', `0 131072 linear ${loop} 0`)
  const mixed = await closeUnder(await image('with-machine.raw'), '/dev/mapper/machine')
  const stays = host('mdadm', '--detail', '--export', array).includes('MD_LEVEL=raid1')
  host('mdadm', '--stop', array)
  const after = (await reclaim(bed.leaseDirectory)).map(({ code }) => code)
  host('dmsetup', 'remove', '--retry', 'machine')
  host('losetup', '--detach', loop)
  return { alone, mixed: { close: mixed, stays, after: [...new Set(after)] }, residue: await residue(ids) }
}
