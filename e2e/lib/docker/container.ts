import { readFile } from 'node:fs/promises'
import { GenericContainer, type StartedTestContainer, StartupCheckStrategy, type StartupStatus } from 'testcontainers'

/** The part of Docker's HostConfig that Testcontainers has no method for. */
export interface ContainerLimits {
  readonly Privileged?: boolean
  readonly CapAdd?: string[]
  readonly CapDrop?: string[]
  readonly SecurityOpt?: string[]
  readonly ReadonlyRootfs?: boolean
  readonly DeviceCgroupRules?: string[]
  readonly MaskedPaths?: string[]
  readonly ReadonlyPaths?: string[]
  readonly CgroupnsMode?: 'host' | 'private'
  readonly PidMode?: 'host'
  /** Options by mount point. */
  readonly Tmpfs?: Readonly<Record<string, string>>
}

/** A container whose limits are given as Docker has them, and which counts as started when its first process runs: what is inside says more later. */
export class PlainContainer extends GenericContainer {
  constructor(image: string, limits: ContainerLimits) {
    super(image)
    Object.assign(this.hostConfig, limits)
    this.withNetworkMode('none').withWaitStrategy(new Runs()).withAutoCleanup(false).withAutoRemove(false)
  }
}

class Runs extends StartupCheckStrategy {
  override async checkStartupState(
    dockerode: Parameters<StartupCheckStrategy['checkStartupState']>[0],
    id: string,
  ): Promise<StartupStatus> {
    const { State } = await dockerode.getContainer(id).inspect()
    return State.Running ? 'SUCCESS' : 'PENDING'
  }
}

/** By number from 0, linux/capability.h; what engines of Debian 12 know. */
const capabilityNames = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE'],
  ...['NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT'],
  ...['SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE'],
  ...['AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ'],
]

/**
 * `privileged: true`. On a machine that lacks a capability itself (a sandbox, often) no engine can give it all of them, so that it is spelt out there: every
 * capability there is, all devices, no seccomp, nothing masked.
 */
export async function privileged(): Promise<ContainerLimits> {
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)
  const present = capabilityNames.filter((_, number) => (bounding >> BigInt(number)) & 1n)
  if (present.length === capabilityNames.length) return { Privileged: true }
  return {
    CapAdd: present,
    SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
    DeviceCgroupRules: ['a *:* rwm'],
    MaskedPaths: [],
    ReadonlyPaths: [],
  }
}

/** Runs a command in it; throws with all it said when it fails. */
export async function mustExec(container: StartedTestContainer, command: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await container.exec([...command])
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}\n${stdout}${stderr}`)
  return stdout
}
