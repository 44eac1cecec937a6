import { DeployError } from '@host-deployer/driver-api'
import { type BuildTemplateInput, buildTemplate } from './build-template.ts'
import { lockPathOf, lockTemplate } from './template-lock.ts'
import { type OpenTemplate, openTemplate, prepareTemplates, recentFailure, rememberFailure, type TemplatePlace } from './template-store.ts'
import { sweepTemplates, whyNoRoom } from './template-sweep.ts'

/** What keeps this appliance from being cloned; `undefined` when nothing is known. */
export function whyNoTemplate({ appliance, context }: Pick<BuildTemplateInput, 'appliance' | 'context'>): string | undefined {
  if (context.options.stock !== undefined)
    return 'a stock appliance cannot be told to take new randomness, so two clones would draw the same'
  const canReseed = appliance.manifest.features?.includes('reseed') === true
  return canReseed ? undefined : 'the appliance cannot reseed a clone; build or install it again'
}

/** A template; its descriptors are the caller's. */
export interface MadeTemplate {
  readonly outcome: 'made' | 'found'
  readonly template: OpenTemplate
}

/** A template, or why there is none and a boot has to do. */
export type FoundTemplate = MadeTemplate | { readonly outcome: 'none'; readonly reason: string }

const none = (reason: string): FoundTemplate => ({ outcome: 'none', reason })

/** What is there already, or what is known against building it. With `again` a failure of a short while ago does not count. */
async function look(place: TemplatePlace, again: boolean): Promise<FoundTemplate | undefined> {
  const template = await openTemplate(place)
  if (template !== undefined) return { outcome: 'found', template }
  const failure = again ? undefined : await recentFailure(place)
  return failure && none(failure.reason)
}

/**
 * The template at `place`, opened; its descriptor is the caller's. Built if need be: one process builds, others wait for it and take over when it dies;
 * `DRIVER_TEMPLATE_FAILED` when it lives but has not done it in `patienceMs`.
 * Too little room is noticed before anything is started; what fails later is remembered for a while and rejects with the codes of {@link buildTemplate}.
 */
export async function findTemplate(
  input: BuildTemplateInput,
  place: TemplatePlace,
  options: { readonly again: boolean; readonly patienceMs?: number },
): Promise<FoundTemplate> {
  const {
    signal,
    options: { memoryMb },
  } = input.context
  const obstacle = whyNoTemplate(input)
  if (obstacle !== undefined) return none(obstacle)
  const found = await look(place, options.again)
  if (found !== undefined) return found
  await prepareTemplates(place)
  const unlock = await lockTemplate(lockPathOf(place), signal, options.patienceMs)
  try {
    // Somebody may have built it, or failed to, since we looked.
    const meanwhile = await look(place, options.again)
    if (meanwhile !== undefined) return meanwhile
    await sweepTemplates(place)
    const full = await whyNoRoom(place.parent, memoryMb)
    if (full !== undefined) return none(full)
    await buildTemplate(input, place)
    const template = await openTemplate(place)
    return template === undefined ? none('the template was changed as soon as it was built') : { outcome: 'made', template }
  } catch (error) {
    // A boot that takes longer than the caller waits says nothing about others, who may wait longer. A damaged appliance is for each session to refuse.
    const isOthers = DeployError.isInstance(error) && (error.code === 'TIMEOUT_BOOT' || error.code === 'APPLIANCE_DAMAGED')
    const isOurs = signal?.aborted !== true && !isOthers
    if (isOurs) await rememberFailure(place, error instanceof Error ? error.message : String(error))
    throw error
  } finally {
    await unlock()
  }
}
