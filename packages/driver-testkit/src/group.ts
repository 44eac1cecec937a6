import type { Fixture } from './fixture.ts'
import type { TestFramework } from './test-framework.ts'

/** Registers one group of tests. `fixture` may be called inside tests only. */
export type Group = (framework: TestFramework, fixture: () => Fixture<unknown>) => void

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
