import type { Driver, DriverContext, Probe } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { requireUsable } from './require-usable.ts'

const context = {} as DriverContext<unknown>
const saying = (probe: () => Promise<Probe>) => ({ name: 'x', probe }) as unknown as Driver

test('a driver that works gives its findings', async () => {
  const probe = { usable: true, findings: [{ subject: 'kvm', ok: false, detail: 'slower without' }] }
  expect(
    await requireUsable(
      saying(async () => probe),
      context,
    ),
  ).toBe(probe)
})

test('no is an error with every finding and the remedies', async () => {
  const findings = [
    { subject: 'loop', ok: true, detail: 'there' },
    { subject: 'qemu', ok: false, detail: 'missing', remedy: 'Install qemu-utils.' },
  ]
  const refused = requireUsable(
    saying(async () => ({ usable: false, findings })),
    context,
  )
  await expect(refused).rejects.toMatchObject({ code: 'DRIVER_UNUSABLE', hint: 'Install qemu-utils.', context: { driver: 'x', findings } })
})

test('a probe that throws against its contract', async () => {
  const cause = new Error('boom')
  await expect(
    requireUsable(
      saying(() => Promise.reject(cause)),
      context,
    ),
  ).rejects.toMatchObject({ code: 'DRIVER_UNUSABLE', cause })
})
