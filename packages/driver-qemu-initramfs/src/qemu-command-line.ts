import type { Appliance } from './appliance-manifest.ts'
import type { QemuInitramfsOptions } from './options.ts'

/** Numbers of the descriptors QEMU inherits, after standard input, output and error. */
export const QMP_FD = 3
export const SSH_FD = 4
export const CONSOLE_FD = 5
export const KERNEL_FD = 6
export const INITRAMFS_FD = 7
/** In the place of the initramfs, which a clone has in its memory. */
export const STATE_FD = INITRAMFS_FD
export const FIRST_IMAGE_FD = 8

/** The name the appliance looks for among the virtio-serial ports, see docs/appliance.md. */
export const SSH_PORT_NAME = 'org.host-deployer.ssh.0'

/** The `id` of that port where its opening is waited for: QEMU reports it of ports with an id only. */
export const SSH_PORT_ID = 'ssh-port'

/** What a VM is started for: one session from a cold boot, to be saved as a template, or as a clone of one. */
export type VmRole = 'boot' | 'template' | 'clone'

export interface QemuCommandLineInput {
  /** Template and clone have the same devices, or the state would not fit. */
  readonly role: VmRole
  readonly accelerator: 'kvm' | 'tcg'
  /** Use QEMU's minimal firmware, which knows nothing but to start a kernel. */
  readonly qboot: boolean
  readonly options: Pick<QemuInitramfsOptions, 'machine' | 'cpu' | 'memoryMb'>
  readonly kernelCommandLine: Appliance['manifest']['kernelCommandLine']
  /** Makes the kernel talk from its first moment on, so that silence means that it does not run. */
  readonly talkative: boolean
  /** A network interface that reaches nothing and is reached through one port of 127.0.0.1, in the place of the virtio-serial port. */
  readonly network?: boolean
  /** How many image descriptors follow, from {@link FIRST_IMAGE_FD} on. */
  readonly imageCount: number
  /** After these comes the descriptor of memory that somebody holds: a template writes to it, a clone maps it privately. */
  readonly heldMemory?: boolean
}

/** Emulated, the plain model boots fastest; with RDRAND (QEMU asks the host's kernel for it) the first random numbers do not keep anybody waiting. */
export const defaultCpu = { kvm: 'host', tcg: 'qemu64,+rdrand' } as const

/** The fd set of the n-th image descriptor. */
export const fdSetOf = (imageIndex: number): number => imageIndex + 1

// Of the boards' built-in devices none is needed; each one costs the firmware and the kernel time.
const machineSettings: Readonly<Record<string, string>> = {
  q35: ',sata=off,smbus=off,usb=off,vmport=off,hpet=off,dump-guest-core=off',
  pc: ',usb=off,vmport=off,hpet=off,dump-guest-core=off',
}

// Port 0: the kernel chooses, and the port is ours from that moment on. Without IPv6, whose router the guest would believe in; `restrict` takes away the
// IPv4 one. No boot ROM: nothing is booted from there.
const network = [
  ...['-netdev', 'user,id=net,ipv6=off,restrict=on,hostfwd=tcp:127.0.0.1:0-:22'],
  ...['-device', 'virtio-net-pci,netdev=net,romfile='],
]

// QEMU 7.2 finds code it has translated by its virtual address: with programs at random places everything is translated again for each process, which makes
// starting one five times as slow (measured: 26 ms against 5 ms). And on a busy host the ticks that the kernel counts when it looks whether its timer works
// come too late: it takes that for a broken IO-APIC and panics.
const perAccelerator = { kvm: [], tcg: ['norandmaps', 'no_timer_check'] } as const

function kernelParameters({ accelerator, kernelCommandLine, talkative }: QemuCommandLineInput): string {
  const given = kernelCommandLine.split(' ')
  const added = perAccelerator[accelerator].filter((parameter) => !given.includes(parameter))
  return [kernelCommandLine, ...added, ...(talkative ? ['earlyprintk=ttyS0,115200', 'loglevel=7'] : [])].join(' ')
}

/** Memory of its own, or that behind the descriptor after the images. */
function memory({ role, options: { memoryMb }, heldMemory, imageCount }: QemuCommandLineInput): string[] {
  if (heldMemory !== true) return []
  const share = role === 'template' ? 'on' : 'off'
  return ['-object', `memory-backend-file,id=ram,size=${memoryMb}M,mem-path=/dev/fd/${FIRST_IMAGE_FD + imageCount},share=${share}`]
}

const socket = (id: string, fd: number): string[] => ['-chardev', `socket,id=${id},fd=${fd}`]

const serialPort = [
  ...['-device', 'virtio-serial-pci', ...socket('ssh', SSH_FD)],
  ...['-device', `virtserialport,id=${SSH_PORT_ID},chardev=ssh,name=${SSH_PORT_NAME}`],
]

/**
 * The arguments of QEMU. Pure. Nothing in it names a file but QEMU's own firmware: what it may open it has inherited. Disks are added over QMP while the VM is
 * still stopped (`-S`).
 */
export function qemuCommandLine(input: QemuCommandLineInput): string[] {
  const { role, accelerator, options, imageCount } = input
  // It does not carry out what the generation id asks of a firmware.
  const qboot = input.qboot && role === 'boot'
  const images = Array.from({ length: imageCount }, (_, i) => ['-add-fd', `fd=${FIRST_IMAGE_FD + i},set=${fdSetOf(i)}`]).flat()
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-S'],
    ...['-name', 'host-deployer,debug-threads=on'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...memory(input),
    ...['-machine', `${options.machine}${machineSettings[options.machine] ?? ''}${input.heldMemory === true ? ',memory-backend=ram' : ''}`],
    ...['-accel', accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=128'],
    ...['-cpu', options.cpu ?? defaultCpu[accelerator]],
    ...['-smp', '1', '-m', `${options.memoryMb}M`],
    ...(qboot ? ['-bios', 'qboot.rom'] : []),
    // A clone has both in its memory; with the kernel comes a ROM that is part of the state.
    ...['-kernel', `/dev/fd/${KERNEL_FD}`],
    ...(role === 'clone' ? ['-incoming', 'defer'] : ['-initrd', `/dev/fd/${INITRAMFS_FD}`]),
    ...['-append', kernelParameters(input)],
    ...socket('qmp', QMP_FD),
    ...['-mon', 'chardev=qmp,mode=control'],
    ...socket('console', CONSOLE_FD),
    ...['-serial', 'chardev:console'],
    ...(input.network === true ? network : serialPort),
    ...['-device', 'virtio-scsi-pci,id=scsi'],
    ...(role === 'boot' ? [] : ['-device', 'vmgenid,guid=auto']),
    ...images,
  ]
}
