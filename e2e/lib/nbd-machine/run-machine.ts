import { chmod, copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { bundleProgram, conformanceEntry } from '../../../tools/conformance/bundle.ts'
import type { Workspace } from '../workspace.ts'
import { ensureNbdMachine } from './build-machine.ts'
import type { MachineOrders, MachineReport } from './machine-report.ts'

const driverSource = join(import.meta.dirname, '..', '..', '..', 'packages', 'driver-nbd', 'src')
const reportBytes = 4 * 2 ** 20

// Everything that the tests need and a machine with systemd would have done. It ends with the power.
const run = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/var/tmp NODE_COMPILE_CACHE=/var/tmp/compiled
/lib/systemd/systemd-udevd --daemon
modprobe -a fuse loop dm_mod xfs
/payload/node /payload/in-machine.mjs /payload /dev/vdc
echo "== ended with $?"
sync
echo o >/proc/sysrq-trigger
sleep 60
`

async function makePayload(space: Workspace, orders: MachineOrders): Promise<string> {
  const tree = space.path('payload')
  await mkdir(tree)
  await bundleProgram(conformanceEntry, join(tree, 'kit.mjs'))
  await bundleProgram(join(driverSource, 'index.ts'), join(tree, 'driver.mjs'))
  await bundleProgram(join(driverSource, 'session-owner.test-support.ts'), join(tree, 'owner.mjs'))
  for (const name of ['in-machine', 'session-process'])
    await bundleProgram(join(import.meta.dirname, `${name}.ts`), join(tree, `${name}.mjs`))
  await copyFile(process.execPath, join(tree, 'node'))
  await writeFile(join(tree, 'orders.json'), JSON.stringify(orders))
  await writeFile(join(tree, 'run'), run)
  await chmod(join(tree, 'run'), 0o755)
  const disk = space.path('payload.raw')
  await execa('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', tree, disk, '256M'])
  return disk
}

export interface MachineLimits {
  /** In emulation one costs a fifth less of this machine's time than two, which try more orders of events. */
  readonly processors: 1 | 2
  readonly timeoutMs: number
}

/** Boots the machine, has it carry out the orders, and reads what it came to. Rejects with the console's end when that is nothing at all. */
export async function runNbdMachine(
  space: Workspace,
  orders: MachineOrders,
  { processors, timeoutMs }: MachineLimits,
): Promise<MachineReport> {
  const machine = await ensureNbdMachine()
  const payload = await makePayload(space, orders)
  const reportDisk = space.path('report.raw')
  await writeFile(reportDisk, '')
  await truncate(reportDisk, reportBytes)
  const console = space.path('console.log')
  const disk = (filename: string, more: string): string[] => ['-drive', `file=${filename},format=raw,if=virtio,${more}`]
  await execa(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
      // Node wants random numbers before the kernel has any of its own.
      ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'qemu64,+rdrand', '-smp', String(processors), '-m', '2048'],
      ...['-kernel', machine.kernel, '-initrd', machine.initrd, '-serial', `file:${console}`],
      ...[
        '-append',
        'console=ttyS0 quiet loglevel=2 root=/dev/vda rw init=/sbin/machine fsck.mode=skip norandmaps mitigations=off no_timer_check',
      ],
      // Nobody pulls the plug of this machine.
      ...disk(machine.disk, 'snapshot=on,cache=unsafe'),
      ...disk(payload, 'readonly=on'),
      ...disk(reportDisk, 'cache=unsafe'),
    ],
    { reject: false, timeout: timeoutMs, forceKillAfterDelay: 1000, stdin: 'ignore' },
  )
  const [text = ''] = (await readFile(reportDisk, 'utf8')).split('\0')
  if (text === '')
    throw new Error(`The machine has reported nothing; its console ends with:\n${(await readFile(console, 'utf8')).slice(-3000)}`)
  return JSON.parse(text) as MachineReport
}
