import { expect, test } from 'vitest'
import { createConsoleTail } from './console-tail.ts'
import { explainRemains } from './vm-failure.ts'

const remains = (consoleLines: string[], exit = { exitCode: 0 as number | null, signal: null as string | null }) =>
  explainRemains({ exit, consoleLines, stderr: 'qemu: no', memoryMb: 256 })

test.each([
  ['DRIVER_QEMU_EXITED', ['all is well']],
  ['DRIVER_APPLIANCE_PANIC', ['[    1.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100']],
  ['DRIVER_APPLIANCE_PANIC', ['BUG: unable to handle page fault for address: ffff']],
  ['APPLIANCE_OUT_OF_MEMORY', ['Kernel panic - not syncing: System is deadlocked on memory']],
  ['APPLIANCE_OUT_OF_MEMORY', ['Out of memory: Killed process 42 (mkfs.xfs)', 'Kernel panic - not syncing']],
  ['APPLIANCE_OUT_OF_MEMORY', ['Initramfs unpacking failed: write error']],
])('%s from %j', (code, lines) => {
  const error = remains(lines)
  expect(error.code).toBe(code)
  expect(error.diagnostics).toMatchObject([{ code: 'APPLIANCE_CONSOLE', detail: lines.join('\n') }])
})

test('a QEMU that was killed is not blamed on what the guest said before', () => {
  expect(remains(['Out of memory: Killed process 42'], { exitCode: null, signal: 'SIGKILL' }).code).toBe('DRIVER_QEMU_EXITED')
})

test('lack of memory names the setting', () => {
  expect(remains(['Out of memory: Killed process 1'])).toMatchObject({ context: { memoryMb: 256 } })
})

test('the console keeps the last lines, bounded, without control characters', () => {
  const tail = createConsoleTail()
  tail.push(Buffer.from(`${'line\r\n'.repeat(1000)}\u001b[31mred\u001b[0m \u0007bell\n`))
  tail.push(Buffer.from('x'.repeat(10_000)))
  tail.push(Buffer.from('y'.repeat(10_000)))
  expect(tail.lines(3)).toEqual(['line', 'red bell', 'x'.repeat(500)])
  expect(tail.lines(10_000).length).toBeLessThanOrEqual(201)
  expect(tail.sizeBytes).toBe(26_019)
})
