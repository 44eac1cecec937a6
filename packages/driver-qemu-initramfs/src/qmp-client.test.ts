import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { connectQmp, type QmpEvent } from './qmp-client.ts'

/** The other end: greets, then answers every command by its name. */
function fakeQemu(): { stream: Duplex; say: (text: string) => void } {
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      const { execute, id } = JSON.parse(chunk.toString()) as { execute: string; id: number }
      const answers: Record<string, unknown> = {
        qmp_capabilities: { return: {} },
        good: { return: { a: 1 } },
        bad: { error: { class: 'GenericError', desc: 'no such thing' } },
      }
      if (execute in answers) stream.push(`${JSON.stringify({ id, ...(answers[execute] as object) })}\r\n`)
      done()
    },
  })
  return { stream, say: (text) => void stream.push(text) }
}

const greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n'

test('greeting in pieces, answers, refusals, events', async () => {
  const { stream, say } = fakeQemu()
  const connecting = connectQmp(stream)
  say(greeting.slice(0, 10))
  say(greeting.slice(10))
  const qmp = await connecting
  const events: QmpEvent[] = []
  qmp.onEvent((event) => events.push(event))
  say('{"event": "STOP"}\r\n{"event": "X", "data": {"y": 1}}\r\n')
  expect(await qmp.execute('good')).toEqual({ a: 1 })
  await expect(qmp.execute('bad')).rejects.toMatchObject({ code: 'DRIVER_QMP_REFUSED', context: { command: 'bad', desc: 'no such thing' } })
  expect(events).toEqual([
    { event: 'STOP', data: {} },
    { event: 'X', data: { y: 1 } },
  ])
})

test('no answer: TIMEOUT_QMP; a closed connection: DRIVER_QMP_LOST for every call', async () => {
  const { stream, say } = fakeQemu()
  say(greeting)
  const qmp = await connectQmp(stream)
  await expect(qmp.execute('silence', undefined, { timeoutMs: 10 })).rejects.toMatchObject({ code: 'TIMEOUT_QMP' })
  const pending = qmp.execute('silence')
  stream.destroy()
  await expect(pending).rejects.toMatchObject({ code: 'DRIVER_QMP_LOST' })
  await expect(qmp.execute('good')).rejects.toMatchObject({ code: 'DRIVER_QMP_LOST' })
})
