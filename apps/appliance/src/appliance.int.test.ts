// Builds the appliance from the cache (or the mirror), boots it under emulation and uses everything it promises.
// Needs: apt, dpkg, lz4, xz-utils, tar, qemu-system-x86.
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Appliance } from '@host-deployer/driver-qemu-initramfs/appliance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ApplianceVm, bootAppliance } from './appliance-vm.ts'
import { buildAppliance, defaultCacheDirectory } from './build-appliance.ts'
import { modules, programs } from './content.ts'

let directory: string
let appliance: Appliance
let vm: ApplianceVm

async function sparseFile(name: string, sizeBytes: number): Promise<string> {
  const path = join(directory, name)
  const file = await open(path, 'w')
  await file.truncate(sizeBytes)
  await file.close()
  return path
}

// The kernel names disks as it pleases: $first is the one whose serial is disk0.
const NAME_DISKS = `for d in /sys/block/sd*; do
  case "$(tail -c +5 $d/device/vpd_pg80)" in disk0) first=/dev/\${d##*/} ;; disk1) second=/dev/\${d##*/} ;; esac
done`

/** Runs a script that must succeed; resolves with what it printed. */
async function run(script: string): Promise<string> {
  const { code, stdout, stderr } = await vm.exec(`set -e\n${NAME_DISKS}\n${script}`)
  expect({ code, stderr: code === 0 ? '' : stderr }, `${script}\n${stdout}`).toEqual({ code: 0, stderr: '' })
  return stdout.trim()
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'appliance-test-'))
  appliance = await buildAppliance({ outDirectory: join(directory, 'appliance') })
  vm = await bootAppliance(appliance, {
    disks: [await sparseFile('scratch', 1024 ** 3), await sparseFile('second', 64 * 1024 ** 2)],
    timeoutMs: 120_000,
  })
}, 300_000)
afterAll(async () => {
  await vm?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

describe('the artefact', () => {
  test('the same inputs give the same bytes', async () => {
    // The one that the command builds, in another process and at another time: `./dev test` has just done so.
    const again = await buildAppliance({ outDirectory: join(defaultCacheDirectory(), 'appliance', 'amd64') })
    expect(again.directory).not.toBe(appliance.directory)
    expect(again.manifest).toEqual(appliance.manifest)
    // Not by `toEqual`, which looks at one byte after the other.
    for (const name of ['kernel', 'initramfs'] as const)
      expect((await readFile(again[name])).equals(await readFile(appliance[name])), name).toBe(true)
  })

  test('building again with nothing changed neither builds nor uses the network', async () => {
    const steps: string[] = []
    const again = await buildAppliance({ outDirectory: appliance.directory, onStep: (step) => steps.push(step) })
    expect(again.manifest.id).toBe(appliance.manifest.id)
    expect(steps).toEqual(['resolve'])
  })

  test('it is small', () => {
    expect(appliance.manifest.initramfs.sizeBytes).toBeLessThan(45_000_000)
  })

  test('every package is listed with version, licence and checksum', () => {
    const { packages } = appliance.manifest
    expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining(['busybox', 'lvm2', 'dropbear-bin', 'xfsprogs']))
    expect(packages.filter(({ licences }) => licences.length === 0).map(({ name }) => name)).toEqual([])
  })
})

describe('the booted appliance', () => {
  test('it states its version, kernel and packages', async () => {
    const release = await run('cat /etc/appliance-release')
    expect(release.split('\n')).toEqual(
      expect.arrayContaining([
        'API_VERSION=1',
        'ARCHITECTURE=amd64',
        `KERNEL=${await run('uname -r')}`,
        expect.stringMatching(/^PACKAGE lvm2 /),
      ]),
    )
  })

  test('it has no network but its own', async () => {
    expect(await run('ls /sys/class/net')).toBe('lo')
    expect(await run('cat /proc/net/tcp | wc -l')).toBe('1')
  })

  test('it leaves memory to work with', async () => {
    const available = Number(await run(`sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo`))
    expect(available / 1024).toBeGreaterThan(80)
  })

  test('disks are there at once and can be told by serial', async () => {
    const found = await run('for d in /sys/block/sd*; do echo "$(tail -c +5 $d/device/vpd_pg80) $(cat $d/size)"; done')
    expect(found.split('\n').sort()).toEqual(['disk0 2097152', 'disk1 131072'])
  })

  test('file systems mount, their modules come by themselves', async () => {
    const makers = {
      ext4: 'mkfs.ext4 -q -F',
      xfs: 'mkfs.xfs -q -f',
      btrfs: 'mkfs.btrfs -q -f',
      vfat: 'mkfs.vfat',
      ntfs3: 'mkfs.ntfs -q -F -Q',
    }
    for (const [type, make] of Object.entries(makers)) {
      await run(
        `wipefs -qa "$first"; ${make} "$first" >/dev/null 2>&1; mount -t ${type} "$first" /mnt; echo hello >/mnt/file; sync; umount /mnt`,
      )
      await run(`mount -t ${type} -o ro "$first" /mnt; grep -qx hello /mnt/file; umount /mnt`)
    }
    await run('ntfs-3g "$first" /mnt; grep -qx hello /mnt/file; umount /mnt')
    await run('for type in exfat iso9660 udf squashfs overlay; do modprobe $type; grep -qw $type /proc/filesystems; done')
  })

  test('partitions, loop devices, LVM, md, LUKS and f2fs work without udev', async () => {
    await run(`wipefs -qa "$first" "$second"
printf 'label: gpt\\nsize=200M\\nsize=200M\\nsize=200M\\n' | sfdisk -q "$first"
[ -b "$first"3 ]
pvcreate -q "$first"1; vgcreate -q vg "$first"1; lvcreate -q -L 64M -n root vg
mkfs.ext4 -q /dev/vg/root
vgchange -an vg; [ ! -e /dev/vg/root ]
vgchange -ay vg; vgmknodes; [ -b /dev/vg/root ]; [ -b /dev/mapper/vg-root ]
[ "$(blkid -o value -s TYPE /dev/vg/root)" = ext4 ]
vgchange -an vg`)
    await run(`mdadm --create /dev/md0 --run --metadata=1.2 --level=1 --raid-devices=2 --assume-clean "$first"2 "$first"3 2>/dev/null
[ -b /dev/md0 ]; mdadm --stop /dev/md0 2>/dev/null; mdadm --assemble /dev/md0 "$first"2 "$first"3 2>/dev/null; [ -b /dev/md0 ]; mdadm --stop /dev/md0 2>/dev/null`)
    await run(`printf secret | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$second" -
printf secret | cryptsetup open "$second" plain --key-file -; [ -b /dev/mapper/plain ]; cryptsetup close plain`)
    await run(
      `truncate -s 64M /tmp/image; device=$(losetup -f --show /tmp/image); mkfs.f2fs -q $device >/dev/null; losetup -d $device; rm /tmp/image`,
    )
  })

  test('sftp', async () => {
    const sftp = await vm.sftp()
    const names = await new Promise<string[]>((resolve, reject) => {
      sftp.readdir('/', (error, list) => (error === undefined ? resolve(list.map(({ filename }) => filename)) : reject(error)))
    })
    expect(names).toEqual(expect.arrayContaining(['dev', 'etc', 'proc', 'usr']))
  })

  test('after one session comes the next', async () => {
    for (let count = 0; count < 3; count += 1) {
      await vm.reconnect()
      expect(await run('echo again')).toBe('again')
    }
  })

  test('a disk plugged in later appears by itself', async () => {
    await vm.plugDisk(await sparseFile('late', 32 * 1024 ** 2), 'late-one')
    await run('for _ in $(seq 100); do [ -b /dev/sdc ] && break; sleep 0.1; done; [ -b /dev/sdc ]')
    expect(await run('tail -c +5 /sys/block/sdc/device/vpd_pg80')).toBe('late-one')
  })

  test('every module loads', async () => {
    const names = modules
      .filter((name) => !name.startsWith('arch/') && !name.endsWith('*'))
      .map((name) => name.slice(name.lastIndexOf('/') + 1))
    await run(`modprobe -a ${names.join(' ')} $(find /lib/modules/*/kernel/fs/nls -name '*.ko' -exec basename {} .ko ';')`)
  })

  test('every program runs', async () => {
    // Without a device or a file most print their version or usage; what must not happen is that one cannot be started, or dies.
    const names = programs.filter((name) => name !== 'busybox').map((name) => `'${name}'`)
    const output = await run(`for program in ${names.join(' ')}; do
  command -v "$program" >/dev/null || echo "$program is not there"
  "$program" --version </dev/null >/tmp/out 2>&1 && code=0 || code=$?
  if [ $code -ge 126 ]; then echo "$program: $code"; cat /tmp/out; fi
done`)
    expect(output).toBe('')
  })

  test('the kernel has nothing to complain about', () => {
    expect(
      vm
        .console()
        .split('\n')
        .filter((line) => line.startsWith('[ ') || line.startsWith('appliance:')),
    ).toEqual([])
  })
})

test('without the port it says so and ends, instead of waiting for ever', async () => {
  const silent = bootAppliance(appliance, { portName: 'somebody.else.0', timeoutMs: 120_000 })
  await expect(silent).rejects.toThrow(/org\.host-deployer\.ssh\.0/)
})
