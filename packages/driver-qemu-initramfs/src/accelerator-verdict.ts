import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { currentBootId } from '@host-deployer/driver-kit'
import type { Appliance } from './appliance-manifest.ts'
import type { VmUser } from './vm-user.ts'

/** What a boot with KVM has shown, for one kernel, QEMU, CPU model and boot of the host. */
export type AcceleratorVerdict = { readonly kvm: 'works' } | { readonly kvm: 'broken'; readonly reason: string }

const KVM_DEVICE = '/dev/kvm'

/** What keeps a process of this user from KVM before anything is started; `undefined` when nothing does. */
export async function whyNoKvm(user: VmUser | undefined): Promise<string | undefined> {
  let stats: Awaited<ReturnType<typeof stat>>
  try {
    stats = await stat(KVM_DEVICE)
  } catch {
    return `there is no ${KVM_DEVICE}`
  }
  if (user === undefined) {
    return access(KVM_DEVICE, constants.R_OK | constants.W_OK).then(
      () => undefined,
      () => `${KVM_DEVICE} may not be opened by user ${process.getuid?.()}`,
    )
  }
  const open = (stats.mode & 0o006) === 0o006 || (stats.gid === user.gid && (stats.mode & 0o060) === 0o060)
  return open ? undefined : `${KVM_DEVICE} may not be opened by an unprivileged QEMU`
}

/** The group of the KVM device, when membership in it is what lets a process use KVM. */
export async function kvmGroup(): Promise<number | undefined> {
  try {
    const { gid, mode } = await stat(KVM_DEVICE)
    // The group of root is no privilege to hand out.
    return gid !== 0 && (mode & 0o060) === 0o060 ? gid : undefined
  } catch {
    return undefined
  }
}

/** Where the verdict on this combination is kept. */
export async function verdictPath(cacheDirectory: string, appliance: Appliance, qemu: string, cpu: string): Promise<string> {
  const { mtimeMs, size } = await stat(qemu)
  const parts = [appliance.manifest.kernel.sha256, qemu, mtimeMs, size, cpu, await currentBootId()]
  return join(cacheDirectory, 'kvm-verdict', `${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}.json`)
}

/** The remembered verdict; `undefined` when there is none or it cannot be read. */
export async function readVerdict(path: string): Promise<AcceleratorVerdict | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as AcceleratorVerdict
    return value.kvm === 'works' || value.kvm === 'broken' ? value : undefined
  } catch {
    return undefined
  }
}

/** Remembers a verdict. Best effort: without a cache the next session finds out again. */
export async function writeVerdict(path: string, verdict: AcceleratorVerdict): Promise<void> {
  try {
    await mkdir(join(path, '..'), { recursive: true })
    const temporary = `${path}.${process.pid}`
    await writeFile(temporary, JSON.stringify(verdict))
    await rename(temporary, path)
  } catch {
    // Nothing depends on it.
  }
}
