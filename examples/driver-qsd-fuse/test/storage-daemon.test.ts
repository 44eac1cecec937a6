import { createResourceStack } from '@host-deployer/driver-kit'
import { expect, it } from 'vitest'
import { startStorageDaemon } from '../src/storage-daemon.ts'

it('a program that cannot be started is an error with a code, and nothing is left to release', async () => {
  const stack = createResourceStack()
  const place = { namespace: { enter: ['/no/such/program'] }, signal: undefined } as const
  await expect(startStorageDaemon([], place, stack)).rejects.toMatchObject({ code: 'DRIVER_QSD_FAILED' })
  await stack.release()
})

it('one that hangs while it starts is left when the signal fires, and killed with what it waits for', { timeout: 20_000 }, async () => {
  const stack = createResourceStack()
  // A shell in the place of nsenter: it waits for a child, which has its pipes.
  const place = { namespace: { enter: ['sh', '-c', 'sleep 60; exit 1'] }, signal: AbortSignal.timeout(300) } as const
  await expect(startStorageDaemon([], place, stack)).rejects.toMatchObject({ name: 'TimeoutError' })
  await stack.release()
})
