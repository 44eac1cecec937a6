import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ProbeFinding } from '@host-deployer/driver-api'
import { whyNoTemplate } from './find-template.ts'
import {
  closeTemplate,
  isPrivate,
  type OpenTemplate,
  openTemplate,
  RETRY_AFTER_MS,
  recentFailure,
  type TemplateInput,
  type TemplatePlace,
  templatePlace,
} from './template-store.ts'
import { whyNoRoom } from './template-sweep.ts'
import { lastStart, type StartTime } from './template-times.ts'

/** What there is of a template. `failed`: a try a short while ago; `impossible`: none can be made. */
type TemplateState = 'off' | 'present' | 'absent' | 'failed' | 'impossible'

interface Found {
  /** Of {@link state} `present`: which of the two it is. */
  readonly used?: TemplatePlace
  readonly state: TemplateState
  readonly detail: string
  readonly remedy?: string
  readonly data?: Readonly<Record<string, number | boolean>>
}

async function nearestExisting(path: string): Promise<string> {
  for (let found = path; ; found = dirname(found)) {
    const exists = await stat(found).then(
      () => true,
      () => false,
    )
    if (exists || found === '/') return found
  }
}

/** What keeps a template from being written; `undefined` when nothing is known. Changes nothing. */
async function obstacle({ parent }: TemplatePlace, memoryMb: number): Promise<string | undefined> {
  const directory = await nearestExisting(parent)
  if (directory === parent && !(await isPrivate(parent))) return `${parent} is not a private directory of this user`
  const writable = await access(directory, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  return writable ? whyNoRoom(directory, memoryMb) : `nothing can be written in ${directory}`
}

const minutes = (ms: number): string => {
  const whole = Math.round(ms / 60_000)
  return whole < 120 ? `${whole} min` : `${Math.round(whole / 60)} h`
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)

const REMEDY = 'Sessions work all the same, seconds slower each. Once the reason is gone: host-deployer appliance warm.'

const FILE_REMEDY =
  'Sessions are clones all the same, for as long as its memory is held. A daemon tries again by itself; else: host-deployer appliance warm.'

const COLD_REMEDY = 'Sessions work all the same, somewhat slower each. Build or install the appliance again: it lacks what is named.'

/** The template in a file, beside one that is held. */
interface Beside {
  /** Absent: there is none. */
  readonly fileBytes?: number
  /** For people; of one that is used itself there is nothing to say. */
  readonly detail?: string
  /** Something keeps it from being made. */
  readonly isHindered?: boolean
}

async function lookBeside(place: TemplatePlace, memoryMb: number): Promise<Beside> {
  const template = await openTemplate(place)
  if (template !== undefined) {
    await closeTemplate(template)
    const { sizeBytes } = template
    return { fileBytes: sizeBytes, detail: `; one in a file for when nobody holds it: ${mib(sizeBytes)} MiB (${place.directory})` }
  }
  const reason = (await recentFailure(place))?.reason ?? (await obstacle(place, memoryMb))
  const why = reason === undefined ? '' : `: ${reason}`
  return { detail: `; none in a file for when nobody holds it${why}`, isHindered: reason !== undefined }
}

function describePresent(used: TemplatePlace, { sizeBytes, madeAtMs, keepers, notWarm }: OpenTemplate, beside: Beside): Found {
  const ageMs = Math.max(0, Math.round(Date.now() - madeAtMs))
  const latest = keepers?.at(-1)
  const held =
    keepers === undefined ? '' : `, its memory held for process ${keepers.map(({ pid }) => pid).join(' and ')} and shared by them`
  const size = `${mib(sizeBytes)} MiB, ${minutes(ageMs)} old`
  const cold = notWarm === undefined ? '' : `; the appliance could not be warmed up: ${notWarm.join(', ')}`
  const remedies = [...(notWarm === undefined ? [] : [COLD_REMEDY]), ...(beside.isHindered === true ? [FILE_REMEDY] : [])]
  return {
    used,
    state: 'present',
    detail: `sessions are clones of a saved VM${held}: ${size} (${used.directory})${beside.detail ?? ''}${cold}`,
    ...(remedies.length > 0 && { remedy: remedies.join(' ') }),
    data: {
      ...{ sizeBytes, ageMs, held: keepers !== undefined, fileBytes: beside.fileBytes ?? 0, warm: notWarm === undefined },
      ...(latest && { keeperPid: latest.pid }),
    },
  }
}

async function find(input: TemplateInput, place: TemplatePlace): Promise<Found> {
  const { template: wanted, memoryMb } = input.context.options
  if (wanted === 'off') return { state: 'off', detail: 'sessions boot: the driver option template is off' }
  const impossible = (reason: string): Found => ({ state: 'impossible', detail: `sessions boot: ${reason}`, remedy: REMEDY })
  const unfit = whyNoTemplate(input)
  if (unfit !== undefined) return impossible(unfit)
  for (const candidate of [await templatePlace(input, true), place]) {
    const template = await openTemplate(candidate)
    if (template === undefined) continue
    await closeTemplate(template)
    return describePresent(candidate, template, candidate.isHeld ? await lookBeside(place, memoryMb) : { fileBytes: template.sizeBytes })
  }
  const failure = await recentFailure(place)
  if (failure !== undefined) {
    const again = minutes(RETRY_AFTER_MS - failure.ageMs)
    const detail = `sessions boot, for ${again} more: no VM could be cloned ${minutes(failure.ageMs)} ago, ${failure.reason}`
    return { state: 'failed', detail, remedy: REMEDY, data: { failedAgeMs: Math.round(failure.ageMs) } }
  }
  const reason = await obstacle(place, memoryMb)
  if (reason !== undefined) return impossible(reason)
  return {
    state: 'absent',
    detail: 'sessions are clones of a saved VM, which the first one makes (host-deployer appliance warm makes it now)',
  }
}

/** Making a template is a boot, remembered with that template; without one sessions boot, remembered with the ordinary one's place. */
const lastBoot = async (used: TemplatePlace, place: TemplatePlace): Promise<StartTime | undefined> =>
  (await lastStart(used, 'boot')) ?? lastStart(place, 'boot')

/**
 * Which way sessions with this input start, why, and how long either way took when it was last measured. Changes nothing. Data: `start` (`clone`,
 * `boot`), `template` (`off`, `present`, `absent`, `failed`, `impossible`), where known `sizeBytes`, `ageMs`, `held` (clones share its memory), `fileBytes` (of
 * the one in a file, which stays when nobody holds the other; 0: there is none), `warm` (all that sessions need has been loaded), `keeperPid` (the latest of the
 * processes it is held for), `failedAgeMs`, `bootMs`, `cloneMs`.
 */
export async function probeTemplate(input: TemplateInput): Promise<ProbeFinding> {
  const place = await templatePlace(input)
  const { used = place, state, detail, remedy, data } = await find(input, place)
  const [boot, clone] = await Promise.all([lastBoot(used, place), lastStart(used, 'clone')])
  const said = [
    { what: 'a boot', last: boot },
    { what: 'a clone', last: clone },
  ].map(({ what, last }) => (last === undefined ? `${what} was not measured yet` : `${what} took ${(last.durationMs / 1000).toFixed(2)} s`))
  return {
    subject: 'template',
    ok: state !== 'failed' && state !== 'impossible',
    detail: `${detail}; ${said.join(', ')}`,
    ...(remedy !== undefined && { remedy }),
    data: {
      start: state === 'present' || state === 'absent' ? 'clone' : 'boot',
      template: state,
      ...data,
      ...(boot !== undefined && { bootMs: boot.durationMs }),
      ...(clone !== undefined && { cloneMs: clone.durationMs }),
    },
  }
}
