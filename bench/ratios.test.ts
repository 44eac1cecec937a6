import { expect, test } from 'vitest'
import { compareRatios, unmeasuredRatios } from './compare-ratios.ts'
import { ratiosOf } from './ratios.ts'

test('each ratio the way the issue defines it, and none without both rows', () => {
  const rows = {
    deploy: 2,
    deployWithoutGrow: 1,
    deployDirectMount: 0.5,
    virtCustomize: 50,
    twentyDeploysOneByOne: 40,
    twentyDeploysFiveAtATime: 20,
    virtInspector: 9,
  }
  expect(ratiosOf(rows)).toEqual({ deployVsVirtCustomize: 25, deployVsDirectMount: 2, throughput5Over1: 2 })
})

const failing = (baseline: Parameters<typeof compareRatios>[0], measured: Parameters<typeof compareRatios>[1]) =>
  compareRatios(baseline, measured).flatMap(({ name, passes }) => (passes ? [] : [name]))

test('where larger is better, less than two thirds of the baseline fails', () => {
  expect(failing({ deployVsVirtCustomize: 30 }, { deployVsVirtCustomize: 20.01 })).toEqual([])
  expect(failing({ deployVsVirtCustomize: 30 }, { deployVsVirtCustomize: 19.9 })).toEqual(['deployVsVirtCustomize'])
  expect(failing({ deployVsVirtCustomize: 30 }, { deployVsVirtCustomize: 90 })).toEqual([])
})

test('where smaller is better, more than four thirds of it fails', () => {
  expect(failing({ deployVsDirectMount: 3 }, { deployVsDirectMount: 3.99 })).toEqual([])
  expect(failing({ deployVsDirectMount: 3 }, { deployVsDirectMount: 4.01 })).toEqual(['deployVsDirectMount'])
  expect(failing({ deployVsDirectMount: 3 }, { deployVsDirectMount: 1 })).toEqual([])
})

test('all that got worse are named; what one side lacks is not compared', () => {
  const baseline = { coldBootVsClone: 10, deployVsDirectMount: 2, throughput5Over1: 1.6 }
  expect(failing(baseline, { coldBootVsClone: 1, deployVsDirectMount: 9, probeVsVirtInspector: 1 })).toEqual([
    'coldBootVsClone',
    'deployVsDirectMount',
  ])
  expect(compareRatios(baseline, {})).toEqual([])
  expect(unmeasuredRatios(baseline, { coldBootVsClone: 1, probeVsVirtInspector: 1 })).toEqual(['deployVsDirectMount', 'throughput5Over1'])
})
