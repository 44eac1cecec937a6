import { round } from './statistics.ts'

/** Two rows and which way is good. The names; a ratio is `dividend / divisor`. */
interface RatioDefinition {
  readonly dividend: string
  readonly divisor: string
  readonly better: 'larger' | 'smaller'
}

export const ratioDefinitions = {
  coldBootVsClone: { dividend: 'coldBootToFirstCommand', divisor: 'cloneToFirstCommand', better: 'larger' },
  deployVsVirtCustomize: { dividend: 'virtCustomize', divisor: 'deploy', better: 'larger' },
  probeVsVirtInspector: { dividend: 'virtInspector', divisor: 'probe', better: 'larger' },
  /** How many times slower than the mount, which has the same to do: not to grow the root. */
  deployVsDirectMount: { dividend: 'deployWithoutGrow', divisor: 'deployDirectMount', better: 'smaller' },
  throughput5Over1: { dividend: 'twentyDeploysOneByOne', divisor: 'twentyDeploysFiveAtATime', better: 'larger' },
} as const satisfies Record<string, RatioDefinition>

export type RatioName = keyof typeof ratioDefinitions
export const ratioNames = Object.keys(ratioDefinitions) as readonly RatioName[]

/** Absent: not measured. */
export type Ratios = Readonly<Partial<Record<RatioName, number>>>

/** Pure. The ratios whose rows are there. */
export function ratiosOf(rows: Readonly<Record<string, number>>): Ratios {
  return Object.fromEntries(
    ratioNames.flatMap((name) => {
      const { dividend, divisor } = ratioDefinitions[name]
      const [above, below] = [rows[dividend], rows[divisor]]
      return above === undefined || below === undefined ? [] : [[name, round(above / below)]]
    }),
  )
}
