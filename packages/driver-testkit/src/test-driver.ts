import { type GroupName, groupNames } from './check.ts'
import { type ConformanceInput, type ConformanceRun, checksOf, createConformanceRun } from './conformance-run.ts'
import type { TestFramework } from './test-framework.ts'

export interface TestDriverInput<Options> extends ConformanceInput<Options> {
  /** The functions of the test runner. */
  readonly framework: TestFramework
  /** Only these. Default: all. */
  readonly groups?: readonly GroupName[]
}

/**
 * Registers the conformance suite for a driver with a test runner, one test for each check. What a check expects, and whether it applies, depends on
 * the session's capabilities alone, never on the driver's name; one that does not apply passes. The runner has to give each test two minutes.
 */
export function testDriver<Options>({ framework, groups = groupNames, ...input }: TestDriverInput<Options>): void {
  let run: ConformanceRun | undefined
  framework.describe(`driver ${input.driver.name}`, () => {
    framework.beforeAll(async () => {
      run = await createConformanceRun(input)
    })
    framework.afterAll(async () => run?.end())
    for (const group of groups) {
      framework.describe(group, () => {
        framework.afterAll(async () => run?.endGroup(group))
        for (const check of checksOf([group])) {
          framework.it(`${check.id}: ${check.title}`, async () => {
            const result = await run?.check(check)
            if (result?.outcome === 'failed') throw result.error
          })
        }
      })
    }
  })
}
