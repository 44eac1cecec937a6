import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFairQueue, type Waiting } from './fair-queue.ts'

const entry = (id: number, client: number, image: number, notBeforeMs = 0): Waiting => ({
  id: String(id),
  client: `client ${client}`,
  image: `image ${image}`,
  notBeforeMs,
})

const free = () => false
const entries = fc
  .array(fc.record({ client: fc.nat(4), image: fc.nat(4), notBeforeMs: fc.nat(3) }), { maxLength: 40 })
  .map((items) => items.map(({ client, image, notBeforeMs }, id) => entry(id, client, image, notBeforeMs)))

test('clients take turns, each with its first first', () => {
  const queue = createFairQueue<Waiting>()
  for (const [id, client] of [0, 0, 0, 1, 1, 2].entries()) queue.push(entry(id, client, id))
  const order = Array.from({ length: 6 }, () => queue.take(0, free)?.id)
  expect(order).toEqual(['0', '3', '5', '1', '4', '2'])
})

test('a job of a busy image is passed over, and its client keeps its place', () => {
  const queue = createFairQueue<Waiting>()
  queue.push(entry(0, 0, 7))
  queue.push(entry(1, 1, 8))
  queue.push(entry(2, 1, 9))
  expect(queue.take(0, (image) => image === 'image 7')?.id).toBe('1')
  expect(queue.take(0, free)?.id).toBe('0')
})

test('who has fewer running goes first, whoever came first', () => {
  const queue = createFairQueue<Waiting>()
  for (const [id, client] of [0, 1, 2].entries()) queue.push(entry(id, client, id))
  const running: Record<string, number> = { 'client 0': 2, 'client 1': 1, 'client 2': 1 }
  expect(Array.from({ length: 3 }, () => queue.take(0, free, (client) => running[client] ?? 0)?.id)).toEqual(['1', '2', '0'])
})

test('everything comes out once, in the order of its client, unless removed', () => {
  fc.assert(
    fc.property(entries, fc.array(fc.nat(39)), (waiting, removed) => {
      const queue = createFairQueue<Waiting>()
      for (const one of waiting) queue.push(one)
      const gone = new Set(removed.map(String).filter((id) => queue.remove(id)))
      const taken: Waiting[] = []
      for (let next = queue.take(10, free); next !== undefined; next = queue.take(10, free)) taken.push(next)
      expect(queue.size).toBe(0)
      expect(taken.length + gone.size).toBe(waiting.length)
      for (const client of new Set(waiting.map((one) => one.client))) {
        const own = ({ client: whose }: Waiting) => whose === client
        expect(taken.filter(own)).toEqual(waiting.filter(({ id }) => !gone.has(id)).filter(own))
      }
    }),
  )
})

test('nobody is served twice while another could have been once', () => {
  fc.assert(
    fc.property(entries, (waiting) => {
      const queue = createFairQueue<Waiting>()
      for (const one of waiting) queue.push(one)
      const left = new Map<string, number>()
      for (const { client } of waiting) left.set(client, (left.get(client) ?? 0) + 1)
      const served: string[] = []
      for (let next = queue.take(10, free); next !== undefined; next = queue.take(10, free)) {
        const last = served.lastIndexOf(next.client)
        // Since its last turn everybody who waits had one.
        const since = new Set(served.slice(last + 1))
        if (last !== -1) for (const [client, count] of left) if (client !== next.client && count > 0) expect(since).toContain(client)
        served.push(next.client)
        left.set(next.client, (left.get(next.client) ?? 0) - 1)
      }
    }),
  )
})

// A day of a daemon: jobs come, start while there is a slot, end; at random.
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('come' as const), client: fc.nat(3), image: fc.nat(3), waitMs: fc.nat(5) }),
    fc.record({ do: fc.constant('end' as const), which: fc.nat(4) }),
    fc.record({ do: fc.constant('time' as const), ms: fc.nat(4) }),
  ),
  { maxLength: 80 },
)

test('in any schedule: never two of one image, never before its time, never a slot idle while somebody could go', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), (schedule, slots) => {
      const queue = createFairQueue<Waiting>()
      const waiting = new Map<string, Waiting>()
      const running: Waiting[] = []
      let now = 0
      let count = 0
      const isBusy = (image: string) => running.some((one) => one.image === image)
      const pump = () => {
        while (running.length < slots) {
          const next = queue.take(now, isBusy)
          if (next === undefined) break
          expect(isBusy(next.image)).toBe(false)
          expect(next.notBeforeMs).toBeLessThanOrEqual(now)
          expect(waiting.delete(next.id)).toBe(true)
          running.push(next)
        }
        const couldGo = [...waiting.values()].filter(({ image, notBeforeMs }) => !isBusy(image) && notBeforeMs <= now)
        if (running.length < slots) expect(couldGo).toEqual([])
        const times = [...waiting.values()].map(({ notBeforeMs }) => notBeforeMs).filter((ms) => ms > now)
        expect(queue.nextTimeMs(now)).toBe(times.length === 0 ? undefined : Math.min(...times))
        expect(queue.size).toBe(waiting.size)
      }
      for (const step of schedule) {
        if (step.do === 'come') {
          const one = entry(count++, step.client, step.image, step.waitMs === 0 ? 0 : now + step.waitMs)
          waiting.set(one.id, one)
          queue.push(one)
        } else if (step.do === 'end') running.splice(step.which, 1)
        else now += step.ms
        pump()
      }
    }),
  )
})
