import { readFile } from 'node:fs/promises'
import { DeployError, type DriverContext, type Probe, type ProbeFinding } from '@host-deployer/driver-api'
import { createLocalToolHost, createResourceStack } from '@host-deployer/driver-kit'
import type { Appliance } from './appliance-manifest.ts'
import { type AcceleratedVmInput, knownVerdict, trialBoot } from './choose-accelerator.ts'
import { createSessionDirectory, findAppliance, findPrograms } from './environment.ts'
import { memoryForVm } from './memory-for-vm.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { probeTemplate } from './probe-template.ts'
import { capabilities } from './session.ts'
import { chooseVmUser } from './vm-user.ts'

type Context = DriverContext<QemuInitramfsOptions>

function failed(subject: string, error: unknown): ProbeFinding {
  const detail = error instanceof Error ? error.message : String(error)
  const remedy = DeployError.isInstance(error) ? error.hint : undefined
  return { subject, ok: false, detail, ...(remedy !== undefined && { remedy }) }
}

async function probeQemu(qemu: string): Promise<ProbeFinding> {
  const { exitCode, stdout, stderr } = await createLocalToolHost().exec([qemu, '--version'], { timeoutMs: 10_000 })
  const text = Buffer.from(exitCode === 0 ? stdout : stderr).toString()
  return { subject: 'qemu', ok: exitCode === 0, detail: `${text.split('\n')[0]} (${qemu})` }
}

async function probeMemory({ memoryMb }: QemuInitramfsOptions): Promise<ProbeFinding> {
  const { isShort, detail } = memoryForVm(await readFile('/proc/meminfo', 'utf8'), memoryMb)
  const remedy = { remedy: 'Free memory on this machine, or run fewer deploys at once.' }
  return { subject: 'memory', ok: !isShort, detail, ...(isShort && remedy) }
}

const KVM_REMEDY =
  'It works without, several times slower. Load the kvm module, give /dev/kvm to a group kvm with mode 0660, or use a host with nested virtualisation that works.'

async function probeKvm(context: Context, appliance: Appliance, programs: AcceleratedVmInput['programs']): Promise<ProbeFinding> {
  if (context.options.accel === 'tcg') return { subject: 'kvm', ok: true, detail: 'not asked for (accel: tcg)' }
  const stack = createResourceStack()
  try {
    const directory = await createSessionDirectory(context, stack)
    const user = await chooseVmUser(context.options.user)
    const input: AcceleratedVmInput = { disks: [], context, appliance, programs, user, directory }
    const known = await knownVerdict(input)
    const verdict = known.kvm === 'unknown' ? await trialBoot(input, known.path) : known
    if (verdict.kvm === 'works') return { subject: 'kvm', ok: true, detail: 'the appliance boots with KVM' }
    return { subject: 'kvm', ok: false, detail: verdict.reason ?? 'does not work', remedy: KVM_REMEDY }
  } finally {
    await stack.release()
  }
}

/**
 * {@link import('@host-deployer/driver-api').Driver.probe} of this driver. Findings: `qemu`, `appliance`, `memory`, `kvm`, `template`. Whether KVM
 * works is found out by booting the appliance without a disk, unless it is known already: a few seconds at most, remembered until the host reboots.
 */
export async function probeDriver(context: Context): Promise<Probe> {
  const [programs, appliance, memory] = await Promise.allSettled([
    findPrograms(context.options),
    findAppliance(context),
    probeMemory(context.options),
  ])
  const findings: ProbeFinding[] = []
  findings.push(
    programs.status === 'fulfilled'
      ? await probeQemu(programs.value.qemu)
      : { ...failed('qemu', programs.reason), debianPackage: 'qemu-system-x86' },
  )
  if (appliance.status === 'rejected') findings.push(failed('appliance', appliance.reason))
  else {
    const { kernelVersion, id } = appliance.value.manifest
    findings.push({
      subject: 'appliance',
      ok: true,
      detail: `kernel ${kernelVersion}, id ${id.slice(0, 12)} (${appliance.value.directory})`,
    })
  }
  findings.push(memory.status === 'fulfilled' ? memory.value : failed('memory', memory.reason))
  if (programs.status === 'fulfilled' && appliance.status === 'fulfilled') {
    const kvm = await probeKvm(context, appliance.value, programs.value).catch((error: unknown) => failed('kvm', error))
    const accelerator = context.options.accel !== 'tcg' && kvm.ok ? 'kvm' : 'tcg'
    const input = { context, appliance: appliance.value, programs: programs.value, accelerator } as const
    findings.push(kvm, await probeTemplate(input).catch((error: unknown) => failed('template', error)))
  }
  const needed = new Set(context.options.accel === 'kvm' ? ['qemu', 'appliance', 'memory', 'kvm'] : ['qemu', 'appliance', 'memory'])
  return { usable: findings.every(({ subject, ok }) => ok || !needed.has(subject)), findings, capabilities }
}
