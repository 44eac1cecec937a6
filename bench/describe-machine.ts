import { readFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { applianceDirectory } from '@host-deployer/e2e/lib/appliance-directory'
import { execa } from 'execa'
import type { BenchResult } from './result.ts'

/** What the figures depend on. */
export async function describeMachine(): Promise<Pick<BenchResult, 'versions' | 'machine'>> {
  const version = async (program: string) => {
    const { stdout = '' } = await execa(program, ['--version'], { reject: false })
    return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'absent'
  }
  const manifest = JSON.parse(await readFile(join(applianceDirectory(), 'manifest.json'), 'utf8')) as { readonly kernelVersion?: string }
  const [qemu, virtCustomize] = await Promise.all([version('qemu-system-x86_64'), version('virt-customize')])
  const processors = cpus()
  return {
    versions: {
      qemu,
      kernel: release(),
      applianceKernel: manifest.kernelVersion ?? 'unknown',
      node: process.versions.node,
      virtCustomize,
    },
    machine: { cpus: processors.length, cpu: processors[0]?.model ?? 'unknown', memoryMb: Math.round(totalmem() / 2 ** 20) },
  }
}
