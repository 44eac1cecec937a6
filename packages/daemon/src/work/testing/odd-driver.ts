import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DiskError, type Driver, type DriverContext, DriverError, hostPath } from '@host-deployer/driver-api'
import { aborted, createResourceStack, createSessionDirectory, defineDriver } from '@host-deployer/driver-kit'

// A driver for tests of worker processes. What opening an image comes to is written in the image, a line of a word and a number; it never gives a session, and its
// answer is an error.

interface OddOptions {
  readonly usable: boolean
}

const options: Driver<OddOptions>['options'] = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const given = { usable: true, ...(value as object) }
      return typeof given.usable === 'boolean' ? { value: given } : { issues: [{ message: 'yes or no', path: ['usable'] }] }
    },
  },
}

async function open(path: string, context: DriverContext<OddOptions>): Promise<never> {
  const { signal } = context
  const [word = '', number = '0'] = (await readFile(path, 'utf8')).replaceAll('\0', '').trim().split(' ')
  const answer = (): DriverError =>
    new DriverError('DRIVER_ODD_ANSWER', 'As the image says', { context: { word, number, pid: process.pid } })
  switch (word) {
    case 'sleep':
      try {
        await delay(Number(number), undefined, signal === undefined ? {} : { signal })
      } catch {
        throw signal === undefined ? answer() : aborted(signal, 'sleeping')
      }
      throw answer()
    case 'wait':
      // Until it says something else.
      while ((await readFile(path, 'utf8')).startsWith(word)) await delay(50)
      throw answer()
    case 'hold': {
      // Something to reclaim, and no end.
      const stack = createResourceStack()
      await createSessionDirectory(context, stack)
      await new Promise(() => setInterval(() => {}, 1_000))
      break
    }
    case 'deaf':
      await delay(Number(number))
      break
    case 'stall': {
      // Hears of nothing from then on, without keeping a processor from others.
      context.logger.info('odd.stalls')
      const never = new Int32Array(new SharedArrayBuffer(4))
      for (;;) Atomics.wait(never, 0, 0)
    }
    case 'exit':
      process.exit(Number(number))
      break
    case 'crash':
      setTimeout(() => {
        throw new TypeError('A mistake in a timer')
      }, 0)
      await delay(60_000)
      break
    case 'swell': {
      const kept: number[][] = []
      for (;;) kept.push(new Array<number>(1_000_000).fill(0.5))
    }
    case 'die':
      process.kill(process.pid, 'SIGKILL')
      await delay(60_000)
      break
    case 'locked':
      throw new DiskError('IMAGE_LOCKED', `${path} is in use by another process`)
    case 'fault':
      throw new TypeError('A mistake')
  }
  throw answer()
}

export const driver: Driver<OddOptions> = defineDriver<OddOptions>({
  name: 'odd',
  options,
  async probe(context) {
    return { usable: context.options.usable, findings: [{ subject: 'odd', ok: context.options.usable, detail: 'as its options say' }] }
  },
  open: (request, context) => open(request.disks[0].chain[0].path, context),
  async prepare(context) {
    return { outcome: 'made', detail: 'nothing', artefact: { path: hostPath(join(context.cacheDirectory, 'odd')), sizeBytes: process.pid } }
  },
})
