import { readFile } from 'node:fs/promises'
import { DriverError } from '@host-deployer/driver-api'
import { identifyProcess, isRunning, type ProcessIdentity } from '@host-deployer/driver-kit'
import { type BuildTemplateInput, buildTemplate } from './build-template.ts'
import type { MadeTemplate } from './find-template.ts'
import { holdMemory } from './held-memory.ts'
import { memoryForVm } from './memory-for-vm.ts'
import { lockPathOf, lockTemplate } from './template-lock.ts'
import {
  changeKeepers,
  closeTemplate,
  type OpenTemplate,
  openTemplate,
  prepareTemplates,
  recordPathOf,
  type TemplatePlace,
} from './template-store.ts'
import { isSameProcess, sweepTemplates } from './template-sweep.ts'

const MIB = 2 ** 20

/**
 * Has a held template held for one more; whether that came in time. The holder ends when it finds that all who are named have ended: while one of the others
 * still runs after the new one was named, it has not found that.
 */
async function isJoined(place: TemplatePlace, { keepers = [] }: OpenTemplate, keeper: ProcessIdentity): Promise<boolean> {
  if (keepers.some((other) => isSameProcess(other, keeper))) return true
  const running = async (): Promise<ProcessIdentity[]> => {
    const states = await Promise.all(keepers.map(isRunning))
    return keepers.filter((_, index) => states[index])
  }
  await changeKeepers(place, [...(await running()), keeper])
  return (await running()).length > 0
}

const notHeld = (message: string, hint: string): DriverError => new DriverError('DRIVER_TEMPLATE_FAILED', message, { hint })

/** Of what fails with an open template: closes it and goes on failing. */
const closing =
  (template: OpenTemplate) =>
  async (error: unknown): Promise<never> => {
    await closeTemplate(template)
    throw error
  }

/**
 * The template at `place` with its memory held until the process `keeper` ends, for sessions of all processes of this user to share; made if need be. It may be
 * held for several, and stays until the last of them ends. What is held for the same keeper with other options is given up. `DRIVER_TEMPLATE_FAILED` and
 * the codes of a boot; then nothing is held.
 */
export async function holdTemplate(input: BuildTemplateInput, place: TemplatePlace, keeperPid: number): Promise<MadeTemplate> {
  const { signal, options } = input.context
  const keeper = await identifyProcess(keeperPid)
  if (keeper === undefined)
    throw notHeld(
      `There is no process ${keeperPid} to hold a template for`,
      'Name a process that runs for as long as the template is wanted.',
    )
  await prepareTemplates(place)
  const unlock = await lockTemplate(lockPathOf(place), signal)
  try {
    const found = await openTemplate(place)
    if (found !== undefined && (await isJoined(place, found, keeper).catch(closing(found)))) return { outcome: 'found', template: found }
    if (found !== undefined) await closeTemplate(found)
    await sweepTemplates(place, { keeper })
    const { isShort, detail } = memoryForVm(await readFile('/proc/meminfo', 'utf8'), options.memoryMb)
    if (isShort)
      throw notHeld(
        `Too little memory is free: ${detail}`,
        'Free memory on this machine; sessions work without, each with a copy of the memory of its own.',
      )
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
    throw notHeld(
      `The template ${why}`,
      'Something else removes or changes files in the cache directory, or ends processes; without it, try again.',
    )
  } finally {
    await unlock()
  }
}
