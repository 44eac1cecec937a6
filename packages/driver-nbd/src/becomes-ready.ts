import { becomesTrue } from '@host-deployer/driver-kit'
import type { SessionProgram } from './session-program.ts'

/** Waits until `isReady` or the program ends. Rejects with the signal's reason when it fires. */
export async function becomesReady(
  program: SessionProgram,
  isReady: () => Promise<boolean>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<'ready' | 'ended' | 'timeout'> {
  const settled = await becomesTrue(async () => !program.isRunning() || (await isReady()), timeoutMs, signal)
  signal?.throwIfAborted()
  if (!program.isRunning()) return 'ended'
  return settled ? 'ready' : 'timeout'
}
