import { type RatioName, type Ratios, ratioDefinitions, ratioNames } from './ratios.ts'

/** How much of a ratio may be lost: machines and days differ. */
const TOLERANCE = 1 / 3

export interface Comparison {
  readonly name: RatioName
  readonly baseline: number
  readonly measured: number
  /** The worst value that still passes. */
  readonly limit: number
  readonly passes: boolean
}

/** Pure. What the baseline has and nobody measured: a check that says nothing of it would pass for ever. */
export const unmeasuredRatios = (baseline: Ratios, measured: Ratios): RatioName[] =>
  ratioNames.filter((name) => baseline[name] !== undefined && measured[name] === undefined)

/** Pure. Each ratio that both sides have; one that is worse than the baseline by more than a third does not pass. */
export function compareRatios(baseline: Ratios, measured: Ratios): Comparison[] {
  return ratioNames.flatMap((name) => {
    const [expected, found] = [baseline[name], measured[name]]
    if (expected === undefined || found === undefined) return []
    const larger = ratioDefinitions[name].better === 'larger'
    const limit = expected * (larger ? 1 - TOLERANCE : 1 + TOLERANCE)
    return [{ name, baseline: expected, measured: found, limit, passes: larger ? found >= limit : found <= limit }]
  })
}
