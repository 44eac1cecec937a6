import { randomInt } from 'node:crypto'

/**
 * Numbers from 0 to 1 from a seed: `HOST_DEPLOYER_SEED`, or one drawn now. The seed is printed, so that a failing run can be repeated.
 * Mulberry32, which is good enough to pick moments.
 */
export function random(): () => number {
  const seed = Number(process.env['HOST_DEPLOYER_SEED'] ?? randomInt(2 ** 31))
  console.log(`seed ${seed} (repeat with ./dev test soak --seed ${seed})`)
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
