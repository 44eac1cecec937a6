import { access } from 'node:fs/promises'
import type { DriverContext, Probe, ProbeFinding } from '@host-deployer/driver-api'
import { createLocalToolHost, findNbdNetlink, findProgram, type NbdNetlink } from '@host-deployer/driver-kit'
import { capabilitiesOf } from './capabilities.ts'
import { findKernelNbd } from './choose-attacher.ts'
import { findLvm } from './lvm-environment.ts'
import type { NbdOptions } from './options.ts'
import { always, forFuse, packageOf } from './programs.ts'
import { findRunDirectory } from './run-directory.ts'

const installs = (debianPackage: string | undefined): string => (debianPackage === undefined ? '' : `apt-get install ${debianPackage}. `)

async function probeProgram(subject: string, program: string, debianPackage: string | undefined): Promise<ProbeFinding> {
  const path = await findProgram(program)
  if (path === undefined) {
    const remedy = `apt-get install ${debianPackage ?? subject}`
    return { subject, ok: false, detail: `there is no ${program}`, remedy, ...(debianPackage !== undefined && { debianPackage }) }
  }
  return { subject, ok: true, detail: path }
}

async function probeQemuNbd({ qemuNbd }: NbdOptions): Promise<ProbeFinding> {
  const found = await probeProgram('qemu-nbd', qemuNbd, packageOf['qemu-nbd'])
  if (!found.ok) return found
  const { stdout } = await createLocalToolHost().exec([found.detail, '--version'], { timeoutMs: 10_000 })
  return { ...found, detail: `${Buffer.from(stdout).toString().split('\n')[0]} (${found.detail})` }
}

async function probeFuse(): Promise<ProbeFinding[]> {
  const programs = await Promise.all(forFuse.map((name) => probeProgram(name, name, packageOf[name])))
  const devices = await Promise.all(
    ['/dev/fuse', '/dev/loop-control'].map((path) =>
      access(path).then(
        () => undefined,
        () => path,
      ),
    ),
  )
  const missing = devices.filter((path) => path !== undefined)
  const detail = missing.length === 0 ? '/dev/fuse and /dev/loop-control are there' : `${missing.join(' and ')} missing`
  const remedy = 'Load the modules fuse and loop; in a container, hand the devices in.'
  return [...programs, { subject: 'fuse', ok: missing.length === 0, detail, ...(missing.length > 0 && { remedy }) }]
}

const attachedHow = ({ usable, detail }: NbdNetlink): string =>
  usable ? `attached through netlink (${detail})` : `attached by qemu-nbd's ioctl: ${detail}`

/**
 * {@link import('@host-deployer/driver-api').Driver.probe} of this driver. Findings: `root`, `trust`, `run-directory`, `qemu-nbd`, `setpriv`, `unshare`, `nsenter`, `getfattr`, `setfattr`,
 * `nbd-module`, `nbdfuse`, `losetup`, `fuse`, `lvm`. Usable without trust in images being declared: that is for each call to say.
 */
export async function probeDriver({ options }: DriverContext<NbdOptions>): Promise<Probe> {
  const isRoot = process.getuid?.() === 0
  const root: ProbeFinding = isRoot
    ? { subject: 'root', ok: true, detail: 'may mount' }
    : { subject: 'root', ok: false, detail: 'attaching and mounting take root', remedy: 'Run as root, or use --driver qemu-initramfs.' }
  const trust: ProbeFinding = options.trustImages
    ? { subject: 'trust', ok: true, detail: 'images are declared trusted: the kernel of this machine mounts them' }
    : { subject: 'trust', ok: false, detail: 'no image is trusted: none is opened', remedy: 'For images of your own say --trust-image.' }
  const [qemuNbd, kernel, netlink, fuse, lvm, place, ...programs] = await Promise.all([
    probeQemuNbd(options),
    findKernelNbd(),
    findNbdNetlink(),
    probeFuse(),
    findLvm(),
    findRunDirectory(),
    ...always.map((name) => probeProgram(name, name, packageOf[name])),
  ])
  const module: ProbeFinding = {
    subject: 'nbd-module',
    ok: kernel.usable,
    detail: kernel.usable ? `${kernel.detail}; ${attachedHow(netlink)}` : kernel.detail,
    ...(!kernel.usable && { remedy: `${kernel.remedy}; without it nbdfuse is used (package libnbd-bin).` }),
    ...(kernel.debianPackage !== undefined && { debianPackage: kernel.debianPackage }),
  }
  const volumes: ProbeFinding = {
    subject: 'lvm',
    ok: lvm.usable,
    detail: lvm.detail,
    ...(!lvm.usable && { remedy: `${installs(lvm.debianPackage)}Guests on LVM need --driver qemu-initramfs here.` }),
    ...(lvm.debianPackage !== undefined && { debianPackage: lvm.debianPackage }),
  }
  // Only root can tell, and the finding about root says the rest.
  const runDirectory: ProbeFinding[] = isRoot
    ? [
        {
          subject: 'run-directory',
          ok: place.usable,
          detail: place.detail,
          ...(place.remedy !== undefined && { remedy: place.remedy }),
        },
      ]
    : []
  const fuseWorks = fuse.every(({ ok }) => ok)
  const attachable = { kernel: kernel.usable, fuse: fuseWorks, auto: kernel.usable || fuseWorks }[options.attach]
  const needed = [root, ...runDirectory, qemuNbd, ...programs]
  const findings = [root, trust, ...runDirectory, qemuNbd, ...programs, module, ...fuse, volumes]
  const usable = attachable && needed.every(({ ok }) => ok)
  const partitionNodes = kernel.usable && options.attach !== 'fuse'
  // Through nbdfuse, whether partitions have nodes depends on what a session tries.
  return { usable, findings, ...(usable && partitionNodes && { capabilities: capabilitiesOf({ partitionNodes, lvm: lvm.usable }) }) }
}
