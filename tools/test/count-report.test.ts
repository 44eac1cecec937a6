import { expect, test } from 'vitest'
import { countReport, failuresOf } from './count-report.ts'

const file = (status: string, ...tests: readonly (readonly [string, string])[]) => ({
  status,
  name: '/x.test.ts',
  assertionResults: tests.map(([state, fullName]) => ({ status: state, fullName })),
})
const report = (...testResults: readonly ReturnType<typeof file>[]) => JSON.stringify({ testResults })

test('each test counts once; pending, skipped and todo are skipped', () => {
  const text = report(file('failed', ['passed', 'a'], ['failed', 'b'], ['skipped', 'c']), file('passed', ['todo', 'd'], ['pending', 'e']))
  expect(countReport(text, 1)).toEqual({ passed: 1, failed: 1, skipped: 3 })
})

test('what the filter did not select is not counted', () => {
  const text = report(file('passed', ['passed', 'boot debian-13'], ['skipped', 'boot debian-12']))
  expect(countReport(text, 0, 'debian-13')).toEqual({ passed: 1, failed: 0, skipped: 0 })
  expect(countReport(text, 0, 'boot')).toEqual({ passed: 1, failed: 0, skipped: 1 })
})

test('a filter that selects nothing fails', () => {
  expect(countReport(report(file('passed', ['skipped', 'boot'])), 0, 'nothing')).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('a file that does not load, beside one that passes', () => {
  expect(countReport(report(file('failed'), file('passed', ['passed', 'a'])), 1)).toEqual({ passed: 1, failed: 1, skipped: 0 })
})

test('a run that dies or fails as a whole', () => {
  expect(countReport(undefined, null)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  expect(countReport('{"testRes', 1)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  expect(countReport(report(file('passed', ['passed', 'a'])), null)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  expect(countReport(report(), 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('what failed: tests, or the file as a whole', () => {
  expect(failuresOf(report(file('failed', ['passed', 'a'], ['failed', 'b']), file('passed', ['passed', 'c']), file('failed')))).toEqual([
    { file: '/x.test.ts', test: 'b' },
    { file: '/x.test.ts' },
  ])
  expect(failuresOf('{"testRes')).toEqual([])
})
