import { setTimeout as delay } from 'node:timers/promises'
import { processesWithOpen } from './processes-with-open.ts'

const WAIT_MS = 120_000

/** Stops the QEMU of the session that an image is attached in, as soon as there is one: the session stands still, however long it takes to kill the rest. */
export async function stopMachineOf(image: string): Promise<void> {
  for (const end = performance.now() + WAIT_MS; performance.now() < end; await delay(20)) {
    const machines = (await processesWithOpen(image)).filter(({ commandLine }) => /^\S*qemu-system/.test(commandLine))
    for (const { pid } of machines) process.kill(pid, 'SIGSTOP')
    if (machines.length > 0) return
  }
  throw new Error(`No machine has opened ${image}`)
}
