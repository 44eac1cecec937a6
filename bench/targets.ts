import { ratioDefinitions, ratioNames } from './ratios.ts'

/** What a row, a ratio or a figure of memory has to come to. */
export interface Target {
  readonly name: string
  readonly kind: 'row' | 'ratio' | 'memory'
  readonly what: string
  readonly better: 'larger' | 'smaller'
  readonly limit: number
}

const row = (name: string, limit: number, what: string): Target => ({ name, kind: 'row', what, better: 'smaller', limit })

const ratioLimits = {
  coldBootVsClone: [10, 'clone, times faster than the cold boot'],
  deployVsVirtCustomize: [20, 'deploy, times faster than virt-customize'],
  probeVsVirtInspector: [20, 'probe, times faster than virt-inspector'],
  deployVsDirectMount: [4, 'deploy, times slower than the direct mount'],
  throughput5Over1: [1.6, 'throughput, five deploys at a time against one'],
} as const

/** The targets where VMs run with this accelerator. Ratios are what counts, since machines drift; times are for orientation. */
export function targetsFor(accelerator: string): readonly Target[] {
  const kvm = accelerator === 'kvm'
  return [
    row('cloneToFirstCommand', kvm ? 0.15 : 0.6, 'clone: spawn to the first result'),
    row('coldBootToFirstCommand', 6, 'cold boot: spawn to the first result'),
    row('deploy', kvm ? 0.6 : 2.5, 'deploy, start to exit, template warm'),
    row('probe', 1.8, 'probe, start to exit, template warm'),
    ...ratioNames.map((name): Target => {
      const [limit, what] = ratioLimits[name]
      return { name, kind: 'ratio', what, better: ratioDefinitions[name].better, limit }
    }),
    { name: 'guestPages', kind: 'memory', what: 'guest pages of a deploying clone, MiB', better: 'smaller', limit: 48 },
  ]
}
