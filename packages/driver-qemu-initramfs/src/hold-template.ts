import { DriverError } from '@host-deployer/driver-api'
import { identifyProcess, isRunning } from '@host-deployer/driver-kit'
import { type BuildTemplateInput, buildTemplate } from './build-template.ts'
import type { MadeTemplate } from './find-template.ts'
import { holdMemory } from './held-memory.ts'
import { lockPathOf, lockTemplate } from './template-lock.ts'
import { closeTemplate, openTemplate, prepareTemplates, recordPathOf, type TemplatePlace } from './template-store.ts'
import { isSameProcess, sweepTemplates } from './template-sweep.ts'

const MIB = 2 ** 20

/**
 * The template at `place` with its memory held until the process `keeper` ends, for sessions of all processes of this user to share; made if need be. One
 * that is held for somebody else is replaced, since it may be gone with that one any time; it serves until then. What is held for the same keeper with
 * other options is given up. `DRIVER_TEMPLATE_FAILED` and the codes of a boot; then nothing is held.
 */
export async function holdTemplate(input: BuildTemplateInput, place: TemplatePlace, keeperPid: number): Promise<MadeTemplate> {
  const { signal, options } = input.context
  const keeper = await identifyProcess(keeperPid)
  if (keeper === undefined) throw new DriverError('DRIVER_TEMPLATE_FAILED', `There is no process ${keeperPid} to hold a template for`)
  await prepareTemplates(place)
  const unlock = await lockTemplate(lockPathOf(place), signal)
  try {
    const found = await openTemplate(place)
    if (found?.keeper !== undefined && isSameProcess(found.keeper, keeper)) return { outcome: 'found', template: found }
    if (found !== undefined) await closeTemplate(found)
    await sweepTemplates(place, { keeper, sparesPlace: found !== undefined })
    const memory = await holdMemory({ sizeBytes: options.memoryMb * MIB, keeper, record: recordPathOf(place) })
    try {
      await buildTemplate(input, place, memory)
    } catch (error) {
      await memory.handle.close().catch(() => {})
      memory.release()
      throw error
    }
    const template = await openTemplate(place)
    if (template !== undefined) return { outcome: 'made', template }
    memory.release()
    const why = (await isRunning(memory.place.holder)) ? 'was changed as soon as it was built' : 'lost its memory as soon as it was built'
    throw new DriverError('DRIVER_TEMPLATE_FAILED', `The template ${why}`)
  } finally {
    await unlock()
  }
}
