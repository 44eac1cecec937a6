import { expect, test } from 'vitest'
import { freeNbdDevice } from './free-nbd-device.ts'
import { currentBootId } from './process-identity.ts'

// Whose an attached device is, is tried with the kernel's nbd in e2e/nbd-kernel.e2e.test.ts.

const device = '/dev/nbd987654'
const marker = '--socket=/none'

test('a lease of a device that nobody has attached is done with, and so is one of another boot', async () => {
  expect(await freeNbdDevice({ device, marker, bootId: await currentBootId(), attachedBy: 1 }, 0)).toBe(true)
  expect(await freeNbdDevice({ device, marker, bootId: await currentBootId() }, 0)).toBe(true)
  expect(await freeNbdDevice({ device, marker, bootId: 'another' }, 0)).toBe(true)
})

test.each([{ device: '/dev/sda', marker, bootId: 'x' }, { device: '/dev/nbd1/../sda', marker, bootId: 'x' }, { device, marker }, {}])(
  'no lease of an nbd device: %j',
  async (details) => {
    expect(await freeNbdDevice(details as Record<string, string>, 0)).toBe(false)
  },
)
