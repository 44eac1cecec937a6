import { describe, expect, test } from 'vitest'
import { goldenCases, readGolden, runGoldenCase, writeGolden } from './golden.ts'

const update = process.env['UPDATE_GOLDENS'] === '1'

describe.each(goldenCases())('$name', (golden) => {
  test.each(golden.guests)('%s', async (guest) => {
    const { rendered, again } = await runGoldenCase(golden, guest)
    expect(again).toEqual([])
    if (update) writeGolden(golden.name, guest, rendered)
    expect(rendered).toBe(readGolden(golden.name, guest))
  })
})
