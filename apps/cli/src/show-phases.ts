import type { PhaseEvent } from '@host-deployer/core'
import pc from 'picocolors'

const words: Readonly<Record<PhaseEvent['phase'], string>> = {
  parse: 'reading the request',
  resolve: 'looking at the image',
  open: 'opening the disks',
  scan: 'scanning disks',
  mount: 'mounting',
  detect: 'looking inside',
  stage: 'staging changes',
  diff: 'comparing',
  commit: 'writing',
  unmount: 'unmounting',
  close: 'shutting down',
}

/** Live phases on standard error: on a terminal the current one shows while it runs; elsewhere a line when each is done. */
export function showPhases(stream: NodeJS.WriteStream): (event: PhaseEvent) => void {
  const live = stream.isTTY === true
  return ({ phase, state, durationMs }) => {
    const label = words[phase].padEnd(24)
    if (state === 'started') {
      if (live) stream.write(`${pc.dim('…')} ${label}`)
      return
    }
    const mark = state === 'done' ? pc.green('✓') : pc.red('✗')
    const time = pc.dim(`${((durationMs ?? 0) / 1000).toFixed(2).padStart(6)} s`)
    stream.write(`${live ? '\r' : ''}${mark} ${label}${time}\n`)
  }
}
