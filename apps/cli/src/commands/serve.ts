import { parseServeArguments, readConfig, serve } from '@host-deployer/daemon'

/**
 * Runs the daemon until SIGTERM or SIGINT, which let jobs end in the time that the configuration gives them; a second one cancels them. `words`: those after
 * the verb, or the command line of the platform's own program.
 */
export async function serveCommand(words: readonly string[], form: 'serve' | 'field', version: string): Promise<void> {
  const reading = { given: parseServeArguments(words, form), env: process.env, cwd: process.cwd() }
  const read = await readConfig(reading)
  const { stop, stopNow, release } = listenForSignals()
  try {
    await serve({ read, reading, version, driverFrom: [process.cwd(), import.meta.dirname], stop, stopNow })
  } finally {
    release()
  }
}

function listenForSignals() {
  const stop = new AbortController()
  const stopNow = new AbortController()
  const onSignal = () => (stop.signal.aborted ? stopNow : stop).abort()
  const names = ['SIGTERM', 'SIGINT'] as const
  for (const name of names) process.on(name, onSignal)
  // A terminal that is closed ends no daemon, and its files are watched.
  const onHangup = () => {}
  process.on('SIGHUP', onHangup)
  return {
    stop: stop.signal,
    stopNow: stopNow.signal,
    release() {
      for (const name of names) process.off(name, onSignal)
      process.off('SIGHUP', onHangup)
    },
  }
}
