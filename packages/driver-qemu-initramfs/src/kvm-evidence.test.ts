import { type DeployError, DriverError, TimeoutError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { isKvmsFault, type KvmCircumstances, mayBeKvm, showsBrokenKvm } from './kvm-evidence.ts'
import { explainRemains } from './vm-failure.ts'

const ended = (exit: { readonly exitCode: number | null; readonly signal: string | null }): DeployError =>
  explainRemains({ exit, consoleLines: [], stderr: '', memoryMb: 256 })
const byItself = ended({ exitCode: 1, signal: null })
const late = new TimeoutError('TIMEOUT_BOOT', 'late')
const unknown: KvmCircumstances = { isKnownToWork: false, bootTimeoutMs: 120_000, emulatedBootMs: 5_000 }
const known: KvmCircumstances = { ...unknown, isKnownToWork: true }

test('what emulation may not meet, and what it would meet just the same', () => {
  for (const error of [byItself, late, new DriverError('DRIVER_APPLIANCE_PANIC', ''), new DriverError('DRIVER_VM_SILENT', '')]) {
    expect(mayBeKvm(error)).toBe(true)
  }
  for (const error of [new DriverError('IMAGE_LOCKED', ''), new DriverError('ABORTED', ''), new Error('other'), undefined]) {
    expect(mayBeKvm(error)).toBe(false)
  }
})

test('only silence shows it without emulation', () => {
  expect(showsBrokenKvm(new DriverError('DRIVER_VM_SILENT', ''))).toBe(true)
  for (const error of [byItself, late, new DriverError('DRIVER_APPLIANCE_PANIC', '')]) expect(showsBrokenKvm(error)).toBe(false)
})

test.each<readonly [name: string, error: DeployError, circumstances: KvmCircumstances, isFault: boolean]>([
  ['QEMU ended by itself', byItself, unknown, true],
  ['QEMU ended by itself where it has worked', byItself, known, true],
  ['QEMU aborted: it does not get along with this KVM', ended({ exitCode: null, signal: 'SIGABRT' }), unknown, true],
  ['QEMU aborted where it has worked', ended({ exitCode: null, signal: 'SIGABRT' }), known, false],
  ['somebody killed QEMU, before anything was known', ended({ exitCode: null, signal: 'SIGKILL' }), unknown, false],
  ['somebody killed QEMU where it has worked', ended({ exitCode: null, signal: 'SIGKILL' }), known, false],
  ['somebody asked QEMU to end', ended({ exitCode: null, signal: 'SIGTERM' }), unknown, false],
  ['a panic', new DriverError('DRIVER_APPLIANCE_PANIC', ''), unknown, true],
  ['it took longer than emulation does', late, unknown, true],
  ['it had less time than emulation takes', late, { ...unknown, bootTimeoutMs: 700 }, false],
])('%s', (_, error, circumstances, isFault) => {
  expect(isKvmsFault(error, circumstances)).toBe(isFault)
})
