import type { PhaseEvent } from '@host-deployer/core'
import { expect, test } from 'vitest'
import { deploy } from './deploy-image.ts'
import { format } from './format-image.ts'
import { probe } from './probe-image.ts'

// What fails before a driver is asked.

const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((error: unknown) => error)

test('an error of the request is one of the phase "parse", that of an image one of "resolve"', async () => {
  const events: PhaseEvent[] = []
  const request = { userData: '#cloud-config\nhostname: [unclosed\n' }
  const wrong = await failure(deploy('/nonexistent/disk.raw', { request, onPhase: (event) => events.push(event) }))
  expect(wrong).toMatchObject({ code: 'INPUT_YAML_INVALID', phase: 'parse' })
  expect(events.map(({ phase, state }) => `${phase} ${state}`)).toEqual(['parse started', 'parse failed'])
  expect(await failure(format('/nonexistent/disk.raw', { request: { filesystem: 'ext4', uuid: 'f00d' } }))).toMatchObject({
    code: 'INPUT_FORMAT_UUID',
    phase: 'parse',
  })
  expect(await failure(probe('/nonexistent/disk.raw'))).toMatchObject({ code: 'IMAGE_NOT_FOUND', phase: 'resolve' })
})

test('a driver that is not there is looked for in "resolve", too', async () => {
  expect(await failure(probe(import.meta.filename, { format: 'raw', driver: './nonexistent.js' }))).toMatchObject({ phase: 'resolve' })
})
