import type { Probe } from '@host-deployer/driver-api'

/** The template of cloned VMs, from the finding `template` of a driver that has one. */
export interface TemplateState {
  /** `off`, `present`, `absent`, `failed`, `impossible`. */
  readonly state: string
  /** For people. */
  readonly detail: string
  readonly sizeBytes?: number
  readonly ageMs?: number
  /** Whether its memory is held for clones to share; else each has a copy of its own. */
  readonly held?: boolean
  /** Of the one in a file, which outlives the daemon: jobs of the next one are clones of it from the start. 0: there is none. */
  readonly fileBytes?: number
  /** How long the last boot and the last clone took. */
  readonly bootMs?: number
  readonly cloneMs?: number
}

/** Undefined when the driver says nothing of a template. */
export function templateOf(probe: Probe | null): TemplateState | undefined {
  const finding = probe?.findings.find(({ subject }) => subject === 'template')
  const state = finding?.data?.['template']
  if (finding === undefined || typeof state !== 'string') return undefined
  const number = <Name extends 'sizeBytes' | 'ageMs' | 'fileBytes' | 'bootMs' | 'cloneMs'>(
    name: Name,
  ): { readonly [Key in Name]?: number } => {
    const value = finding.data?.[name]
    return typeof value === 'number' ? ({ [name]: value } as { readonly [Key in Name]: number }) : {}
  }
  const held = finding.data?.['held']
  return {
    state,
    detail: finding.detail,
    ...number('sizeBytes'),
    ...number('ageMs'),
    ...(typeof held === 'boolean' && { held }),
    ...number('fileBytes'),
    ...number('bootMs'),
    ...number('cloneMs'),
  }
}
