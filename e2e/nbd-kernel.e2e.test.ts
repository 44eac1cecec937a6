import { beforeAll, describe, expect, test } from 'vitest'
import type { MachineReport, MachineResults } from './lib/nbd-machine/machine-report.ts'
import { runNbdMachine } from './lib/nbd-machine/run-machine.ts'
import { random } from './lib/random.ts'
import { createWorkspace } from './lib/workspace.ts'

// The kernel's nbd for real: a Debian machine of its own, whatever modules this one has, runs the conformance kit on driver-nbd and leaves residue on
// purpose. What it found is judged here.

const soak = process.env['HOST_DEPLOYER_SOAK'] !== undefined
const killCount = soak ? 30 : 3
const timeoutMs = soak ? 3_600_000 : 900_000
const draw = random()
let report: MachineReport

beforeAll(async () => {
  const space = await createWorkspace('nbd-kernel')
  const orders = {
    // The one in which the kernel's nbd differs most from the other way, and sessions in a loop; none: all of them.
    groups: { machine: soak ? [] : ['block', 'leak'], own: soak ? [] : ['leak'] },
    rounds: soak ? 100 : 3,
    kills: Array.from({ length: killCount }, (_, index) => ({
      // What netlink has attached outlives its session: there is more to get wrong.
      numbers: index % 3 === 2 ? ('own' as const) : ('machine' as const),
      momentMs: Math.round(20 + draw() * 5000),
    })),
  }
  report = await runNbdMachine(space, orders, { processors: soak ? 2 : 1, timeoutMs })
  for (const [name, step] of Object.entries(report)) console.log(`${name}: ${step.durationMs} ms`)
  // Bundling and the payload come on top; so does the machine's image, once.
}, timeoutMs + 900_000)

function resultOf<Name extends keyof MachineResults>(name: Name): MachineResults[Name] {
  const step = report[name]
  if (step === undefined) throw new Error(`The machine has not come as far as ${name}`)
  if ('failure' in step) throw new Error(step.failure)
  return step.result as MachineResults[Name]
}

describe('the kernel\u2019s nbd in a machine that has it', () => {
  test.each([
    ['netlink', 'machine', 8],
    ['ioctl', 'own', 2],
  ] as const)('the conformance kit passes by %s', (_, numbers, atLeast) => {
    const { checks, counts, passed, capabilities } = resultOf('kit')[numbers]
    expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect([passed, counts.passed > (soak ? 70 : atLeast)]).toEqual([true, true])
    expect(capabilities).toMatchObject({ isolated: false, partitionNodes: true, lvm: true })
  })

  test('without the module: an error that says so, and another way where any will do', () => {
    expect(resultOf('missing')).toEqual({
      loadable: [true, false],
      packages: ['kmod', 'lvm2'],
      kernel: 'DRIVER_NBD_MODULE',
      automatic: ['NBD_FUSE_USED'],
      withoutPartitions: 'DRIVER_NBD_MODULE',
    })
  })

  test('a device that the last session left read-only takes writes in the next', () => {
    expect(resultOf('readOnlyFlag')).toEqual({ devices: ['/dev/nbd0', '/dev/nbd0'], flag: '0', residue: [] })
  })

  test('an active volume: nothing is left by a session that closes, nor by one that is killed, whatever process numbers they see', () => {
    const clean = { close: 'none', afterClose: [], open: 'none', outlives: true, codes: ['LEASE_FREED'], residue: [], free: true }
    expect(resultOf('volumes')).toEqual([
      { numbers: 'machine', through: 'netlink', ...clean },
      { numbers: 'own', through: 'ioctl', ...clean },
    ])
  })

  test('a device that somebody else has attached stays, whatever a lease of ours says about it', () => {
    const { found, ofOurProgram, unserved } = resultOf('strangers')
    expect(found.filter(({ serves }) => !serves)).toEqual([])
    const outcomes = found.map(({ attachedBy, recorded, through, numbers, codes }) => [
      attachedBy,
      recorded,
      through,
      numbers,
      codes.join(),
    ])
    expect(outcomes).toEqual([
      // Nothing runs any more that could tell whose it is, and the lease does not.
      ['netlink', 'none', 'ioctl', 'machine', 'LEASE_NOT_FREED'],
      ['netlink', 'none', 'ioctl', 'own', 'LEASE_NOT_FREED'],
      // It is not what it was.
      ['netlink', 'other', 'ioctl', 'machine', 'LEASE_FREED'],
      ['netlink', 'other', 'ioctl', 'own', 'LEASE_FREED'],
      // What looks like ours is waited for, and not cut.
      ['netlink', 'same', 'ioctl', 'machine', 'LEASE_NOT_FREED'],
      ['netlink', 'same', 'ioctl', 'own', 'LEASE_NOT_FREED'],
      ['netlink', 'other', 'netlink', 'machine', 'LEASE_FREED'],
      ['netlink', 'other', 'netlink', 'own', 'LEASE_FREED'],
      // The number is ours, but it is served.
      ['netlink', 'same', 'netlink', 'machine', 'LEASE_NOT_FREED'],
      ['netlink', 'same', 'netlink', 'own', 'LEASE_NOT_FREED'],
      // It runs, and is seen to be another program.
      ['qemu-nbd', 'none', 'ioctl', 'machine', 'LEASE_FREED'],
      ['qemu-nbd', 'none', 'ioctl', 'own', 'LEASE_NOT_FREED'],
      ['qemu-nbd', 'other', 'ioctl', 'machine', 'LEASE_FREED'],
      ['qemu-nbd', 'other', 'ioctl', 'own', 'LEASE_FREED'],
      ['qemu-nbd', 'same', 'ioctl', 'machine', 'LEASE_FREED'],
      ['qemu-nbd', 'same', 'ioctl', 'own', 'LEASE_NOT_FREED'],
      ['qemu-nbd', 'other', 'netlink', 'machine', 'LEASE_FREED'],
      ['qemu-nbd', 'other', 'netlink', 'own', 'LEASE_FREED'],
      ['qemu-nbd', 'same', 'netlink', 'machine', 'LEASE_NOT_FREED'],
      ['qemu-nbd', 'same', 'netlink', 'own', 'LEASE_NOT_FREED'],
    ])
    expect(ofOurProgram).toEqual(['LEASE_FREED'])
    expect(unserved).toEqual([
      // From there the kernel does not answer.
      { numbers: 'own', codes: ['LEASE_NOT_FREED'], detached: false },
      { numbers: 'machine', codes: ['LEASE_FREED'], detached: true },
    ])
  })

  test('kill -9 at any moment: reclaim frees all there is, the image is free and sound', () => {
    const rounds = resultOf('kills')
    expect(rounds).toHaveLength(killCount)
    for (const round of rounds) {
      expect(round).toMatchObject({ residue: [], free: true })
      expect(
        round.codes.filter((code) => code !== 'LEASE_FREED'),
        `killed after ${round.momentMs} ms`,
      ).toEqual([])
      // At most a journal to replay (1), nothing beyond repair (4).
      expect(round.fsckExitCode, `killed after ${round.momentMs} ms`).toBeOneOf([0, 1])
    }
  })

  test('a file on the mount that somebody keeps open: in quarantine until it is closed, others go on', () => {
    const held = resultOf('heldFile')
    expect(held).toMatchObject({ close: 'CLEANUP_RESIDUE', free: true, other: 'none', after: ['LEASE_FREED'], residue: [] })
    expect(held.quarantined).toContain('nbd-device')
    expect(held.meanwhile).toContain('LEASE_NOT_FREED')
  })

  test('an nbd-client that fails is an error; one whose device somebody else was faster to take tries the next', () => {
    const losing = { open: 'none', another: true, close: 'none' }
    expect(resultOf('clients')).toEqual({ failing: 'DRIVER_NBD_ATTACH_FAILED', losing, residue: [] })
  })

  test('a server that is killed: whoever waits for it gets an error, the session says what may be lost, and nothing is left', () => {
    expect(resultOf('lostServer')).toEqual({ readingEnds: true, close: 'CLEANUP_FLUSH_FAILED', free: true, residue: [] })
  })

  test('a volume group the machine has already, by name or by uuid: an error, and nothing is renamed', () => {
    expect(resultOf('groups')).toEqual({
      sameName: 'BLOCK_VG_CONFLICT',
      sameUuid: 'BLOCK_VG_CONFLICT',
      untouched: true,
      alone: ['/dev/vg0/root', 'LVM2_member', 'ext4'],
      ofOtherMachine: { code: 'none', found: ['/dev/vg2/root', 'LVM2_member', 'ext4'] },
      residue: [],
    })
  })

  test('an array that the machine has made of a disk goes with it; one with a disk of its own stays', () => {
    expect(resultOf('arrays')).toEqual({
      alone: { close: 'none', residue: [], free: true },
      mixed: { close: 'CLEANUP_RESIDUE', stays: true, after: ['LEASE_FREED'] },
      residue: [],
    })
  })

  test('eight sessions at once: each its own device', () => {
    const { devices, contents, residue } = resultOf('parallel')
    expect(new Set(devices).size).toBe(8)
    expect(contents).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    expect(residue).toEqual([])
  })
})
