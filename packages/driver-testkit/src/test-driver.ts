import { execGroup } from './exec-group.ts'
import { createFixture, type Fixture, type TestDriverInput } from './fixture.ts'
import { fsGroup } from './fs-group.ts'
import { leakGroup } from './leak-group.ts'
import { lifecycleGroup } from './lifecycle-group.ts'
import type { TestFramework } from './test-framework.ts'

/**
 * Registers the conformance suite for a driver: groups `lifecycle`, `exec`, `fs`, `leak`, in this order, over one shared session. What a test
 * expects depends on the session's capabilities alone, never on the driver's name. Needs QEMU's `qemu-img` and `qemu-io` on this machine to make and
 * look at images; everything else runs on the driver's tool host.
 */
export function testDriver<Options>(input: TestDriverInput<Options> & { readonly framework: TestFramework }): void {
  const { framework } = input
  let made: Fixture<Options> | undefined
  const fixture = (): Fixture<unknown> => {
    if (made === undefined) throw new TypeError('The shared session could not be opened')
    return made as Fixture<unknown>
  }
  framework.describe(`driver ${input.driver.name}`, () => {
    framework.beforeAll(async () => {
      made = await createFixture(input)
    })
    framework.afterAll(async () => {
      await made?.remove()
    })
    framework.describe('lifecycle', () => lifecycleGroup(framework, fixture))
    framework.describe('exec', () => execGroup(framework, fixture))
    framework.describe('fs', () => fsGroup(framework, fixture))
    framework.describe('leak', () => leakGroup(framework, fixture))
  })
}
