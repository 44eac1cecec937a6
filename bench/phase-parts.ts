/** A piece of a bar. */
export interface Part {
  readonly name: string
  readonly seconds: number
}

/** What the phases of a report's `timings` are summed up as, in the order they happen. `open.*` are steps of `open`. */
const parts: readonly { readonly name: string; readonly phases: readonly string[] }[] = [
  {
    name: 'start or restore the VM, attach',
    phases: ['open.prepare', 'open.spawn', 'open.restore', 'open.namespace', 'open.attach', 'open.disks'],
  },
  { name: 'boot', phases: ['open.reseed', 'open.boot'] },
  { name: 'SSH login', phases: ['open.login'] },
  { name: 'scan', phases: ['scan'] },
  { name: 'mount', phases: ['mount'] },
  { name: 'detect', phases: ['detect'] },
  { name: 'stage, diff', phases: ['stage', 'diff'] },
  { name: 'commit', phases: ['commit'] },
  { name: 'unmount, close', phases: ['unmount', 'close'] },
]

/** In a chart every bar has the same parts, some of them empty. The last is what is in no phase: the command's own start and end. */
export const partNames: readonly string[] = [...parts.map(({ name }) => name), 'command: Node, request, report']

/** Pure. Splits the seconds a command took, start to exit, by the milliseconds of its report. */
export function phaseParts(totalSeconds: number, timings: Readonly<Record<string, number>>): Part[] {
  const seconds = (phase: string) => (timings[phase] ?? 0) / 1000
  const known = parts.map(({ name, phases }) => ({ name, seconds: phases.reduce((sum, phase) => sum + seconds(phase), 0) }))
  // What a driver does beside its steps belongs to the first part; a driver with steps of other names has all of `open` there.
  const steps = known.slice(0, 3).reduce((sum, part) => sum + part.seconds, 0)
  const [start, ...others] = known
  const opened = { name: start?.name ?? '', seconds: (start?.seconds ?? 0) + Math.max(0, seconds('open') - steps) }
  const withOpen = [opened, ...others]
  const rest = totalSeconds - withOpen.reduce((sum, part) => sum + part.seconds, 0)
  return [...withOpen, { name: partNames.at(-1) ?? '', seconds: Math.max(0, rest) }]
}
